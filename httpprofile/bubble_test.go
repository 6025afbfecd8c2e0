package httpprofile_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/httpprofile"
	"github.com/profscope/profscope/internal/scratch"
)

// TestBubble: a handler's test in a bubble of testing/synctest, while a recording
// runs outside, is not ended by us. A request counts; what must wait for the
// recording is refused.
func TestBubble(t *testing.T) {
	t.Parallel()
	if !inChild(t) {
		return
	}
	dir := scratch.Folder(t)
	stop := profctx.Start(filepath.Join(dir, "outside.prof"))
	time.Sleep(20 * time.Millisecond)
	opts := []httpprofile.Option{httpprofile.Dir(dir), httpprofile.Logger(slog.New(slog.NewTextHandler(io.Discard, nil)))}
	synctest.Test(t, func(t *testing.T) {
		routes := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Minute) })
		wrapped := httpprofile.Middleware(routes, append(opts, httpprofile.Always(), httpprofile.ServerTiming())...)
		handler := httpprofile.Handler(opts...)
		ask := func(h http.Handler, method, path string) int {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(method, "http://localhost"+path, nil)
			r.RemoteAddr = "127.0.0.1:1"
			h.ServeHTTP(w, r)
			return w.Code
		}
		for range 3 {
			if status := ask(wrapped, "GET", "/"); status != 200 {
				t.Errorf("a request: %d", status)
			}
			for _, path := range []string{"/debug/pprof/trace?seconds=1", "/debug/pprof/profile?seconds=1"} {
				if status := ask(handler, "GET", path); status != 500 {
					t.Errorf("%s: %d", path, status)
				}
			}
			ask(handler, "POST", "/start_profile")
			ask(handler, "POST", "/stop_profile")
		}
	})
	if err := stop(); err != nil {
		t.Error(err)
	}
	scratch.Flush(t, dir)
	if p := readProfile(t, filepath.Join(dir, "route-other.prof")); p.DurationNanos == 0 {
		t.Error("no request")
	}
}
