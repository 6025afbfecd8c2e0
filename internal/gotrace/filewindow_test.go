package gotrace_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/trace"
	"strings"
	"testing"
	"time"

	"github.com/profscope/profscope/internal/gotrace"
	"github.com/profscope/profscope/internal/ledger"
)

// TestFileWindow: a window has the part of each state that falls into it.
func TestFileWindow(t *testing.T) {
	t.Parallel()
	b := gunzip(t, "testdata/versions/go1.27.4.trace.gz")
	all, err := readFile(t, b, gotrace.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	length := all.End - all.Begin
	var sum int64
	type times struct{ lengths, members int64 }
	timesOf := func(s *gotrace.Scope) times {
		var ts times
		ts.lengths = s.Lengths.Total()
		for _, role := range s.Ledger.Book.Totals() {
			for _, ns := range role {
				ts.members += ns
			}
		}
		return ts
	}
	scopes := make(map[string]times)
	cut := false
	for i := range 4 {
		o := gotrace.FileOptions{From: length / 4 * time.Duration(i), To: length / 4 * time.Duration(i+1)}
		if i == 3 {
			o.To = 0
		}
		f, err := readFile(t, b, o)
		if err != nil {
			t.Fatal(err)
		}
		if want := length / 4; i < 3 && f.End-f.Begin != want {
			t.Errorf("window %d is %v long, want %v", i, f.End-f.Begin, want)
		}
		totals := f.Whole.Book.Totals()
		sum += totals.Role(ledger.Process)
		for _, s := range f.Scopes {
			ts := timesOf(s)
			ts.lengths += scopes[s.Ledger.Name].lengths
			ts.members += scopes[s.Ledger.Name].members
			scopes[s.Ledger.Name] = ts
			cut = cut || s.Cut > 0
		}
	}
	totals := all.Whole.Book.Totals()
	// Which goroutines are the runtime's is known later in a window than in
	// the whole, never otherwise.
	if want := totals.Role(ledger.Process); sum != want {
		t.Errorf("four windows have %d ns, the whole %d", sum, want)
	}
	// A scope has in each window the part that lies inside, of all its members.
	for _, s := range all.Scopes {
		if got, want := scopes[s.Ledger.Name], timesOf(s); got != want {
			t.Errorf("%s %s: four windows have %v, the whole %v", s.Kind, s.Ledger.Name, got, want)
		}
	}
	if !cut || len(all.Scopes) < 3 {
		t.Errorf("nothing was cut, of %d scopes", len(all.Scopes))
	}
	var outside *gotrace.OutsideError
	if _, err := readFile(t, b, gotrace.FileOptions{From: time.Hour}); !errors.As(err, &outside) || outside.Lasts != length {
		t.Errorf("a window behind the end: %v", err)
	}
}

// TestFileWindowOfParked: goroutines that blocked before the trace began, and of
// which it has nothing until after the window, are in the window all the same.
func TestFileWindowOfParked(t *testing.T) {
	t.Parallel()
	never, after := httptest.NewServer(nil), httptest.NewServer(nil) // functions of this package are profscope's own
	defer never.Close()
	defer after.Close()
	for begin, stacks := time.Now(), make([]byte, 1<<20); ; time.Sleep(time.Millisecond) {
		waiting := 0
		for g := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
			if head, _, _ := strings.Cut(g, "\n"); strings.Contains(head, "[IO wait") && strings.Contains(g, "httptest.(*Server).goServe") {
				waiting++
			}
		}
		if waiting == 2 {
			break
		}
		if time.Since(begin) > time.Minute {
			t.Fatalf("%d of two servers wait", waiting)
		}
	}
	var b bytes.Buffer
	func() {
		recording.Lock()
		defer recording.Unlock()
		if err := trace.Start(&b); err != nil {
			t.Skip("the tracer is taken, run without -trace: ", err)
		}
		defer trace.Stop()
		for i := range 60 {
			time.Sleep(time.Millisecond)
			if i == 50 {
				resp, err := http.Get(after.URL)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
			}
		}
	}()
	f, err := readFile(t, b.Bytes(), gotrace.FileOptions{From: 10 * time.Millisecond, To: 30 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	// What the second stood in is told by nobody, that it was blocked is.
	var blocked, unknown int64
	for _, e := range f.Whole.Book.Entries() {
		switch {
		case e.State != ledger.Blocked:
		case e.Stack == 0:
			unknown += e.Nanos
		default:
			if fs := f.Whole.Stacks.Frames(e.Stack); strings.HasPrefix(fs[len(fs)-1].Func, "net/http/httptest.(*Server).goServe") {
				blocked += e.Nanos
			}
		}
	}
	if want := int64(20 * time.Millisecond); blocked != want || unknown < want {
		t.Errorf("two servers waited for %v and %v, want %v", time.Duration(blocked), time.Duration(unknown), time.Duration(want))
	}
}
