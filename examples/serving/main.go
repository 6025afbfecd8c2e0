// Serving is an OpenAI-compatible server around a small model that really
// computes: continuous batching, a cache of keys and values, a scheduler and a
// pool of workers. It is what the others of its kind are when it comes to
// profiling: the time of a request is spent in goroutines older than it.
//
//	PROFSCOPE_DIR=/tmp/profiles go run ./examples/serving --port 8000
//	curl -X POST localhost:8000/start_profile
//	curl -X POST localhost:8000/stop_profile
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/profscope/profscope/examples/serving/llm"
	"github.com/profscope/profscope/httpprofile"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f := pflag.NewFlagSet("serving", pflag.ContinueOnError)
	f.SetOutput(stderr)
	host := f.String("host", "127.0.0.1", "address to listen on")
	port := f.Int("port", 8000, "port to listen on; 0 takes a free one")
	batch := f.Int("max-num-seqs", 16, "sequences in a batch")
	workers := f.Int("workers", runtime.GOMAXPROCS(0), "goroutines that compute")
	layers := f.Int("layers", 2, "layers of the model")
	switch err := f.Parse(args); {
	case errors.Is(err, pflag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "serving:", err)
		return 2
	case *batch < 1 || *workers < 1 || *layers < 1:
		fmt.Fprintln(stderr, "serving: --max-num-seqs, --workers and --layers must be at least 1")
		return 2
	}
	e := llm.NewEngine(llm.NewModel(llm.Config{Layers: *layers}), *workers, *batch)
	defer e.Close()
	l, err := net.Listen("tcp", net.JoinHostPort(*host, strconv.Itoa(*port)))
	if err != nil {
		fmt.Fprintln(stderr, "serving:", err)
		return 1
	}
	fmt.Fprintf(stdout, "serving %s on http://%s\n", modelName, l.Addr())
	if err := serve(ctx, l, handler(e)); err != nil {
		fmt.Fprintln(stderr, "serving:", err)
		return 1
	}
	return 0
}

func handler(e *llm.Engine) http.Handler {
	a := &api{engine: e}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /v1/models", a.models)
	routes.HandleFunc("POST /v1/completions", a.completions(false))
	routes.HandleFunc("POST /v1/chat/completions", a.completions(true))
	routes.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	routes.HandleFunc("GET /metrics", a.metrics)
	mux := http.NewServeMux()
	// While a recording runs, a file for each route beside that of the process.
	mux.Handle("/", httpprofile.Middleware(routes))
	// All that profiles is below its own paths, so that it needs no mux of its
	// own. Who may call it is its business: this machine, or who has the token.
	profiler := httpprofile.Handler()
	for _, path := range []string{"/start_profile", "/stop_profile", "/profiles", "/profiles/", "/debug/"} {
		mux.Handle(path, profiler)
	}
	return mux
}

// serve ends when ctx does: requests under way have ten seconds to end.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		done <- s.Shutdown(grace)
	}()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-done
}
