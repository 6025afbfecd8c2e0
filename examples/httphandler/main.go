// Httphandler profiles the requests of one handler, all in one file.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

func handle(w http.ResponseWriter, r *http.Request) {
	ctx, stop := profctx.With(r.Context(), "httphandler.prof", cprofile.Name("GET /orders"))
	defer stop()
	query(r.WithContext(ctx))
	_ = json.NewEncoder(w).Encode(map[string]string{"path": r.URL.Path})
}

// query stands for a database.
func query(*http.Request) { time.Sleep(5 * time.Millisecond) }

func main() {
	defer cprofile.Flush()
	server := httptest.NewServer(http.HandlerFunc(handle))
	defer server.Close()
	for range 20 {
		res, err := http.Get(server.URL + "/orders")
		if err != nil {
			log.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
	}
	fmt.Println("20 requests: go tool pprof -http=: httphandler.prof")
}
