package context_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
	"github.com/profscope/profscope/internal/scratch"
)

//go:noinline
func formattedWork() {
	done := make(chan bool)
	go func() {
		time.Sleep(25 * time.Millisecond) // some of it before it is parked
		close(done)
	}()
	<-done
}

// TestEveryFormat writes one scope in every format, and reads each back with
// what the standard library has.
func TestEveryFormat(t *testing.T) {
	dir := scratch.Folder(t)
	name := func(ending string) string { return filepath.Join(dir, "scope"+ending) }
	endings := []string{".prof", ".txt", ".folded", ".trace", ".pftrace", ".json", ".json.gz"}
	var also []cprofile.Option
	for _, e := range endings[1:] {
		also = append(also, cprofile.Also(name(e)))
	}
	stop := context.Start(name(".prof"), also...)
	formattedWork()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	files := make(map[string][]byte)
	for _, e := range endings {
		b, err := os.ReadFile(name(e))
		if err != nil || len(b) == 0 {
			t.Fatalf("%s: %d bytes, %v", e, len(b), err)
		}
		files[e] = b
	}

	var slept int64
	for line := range strings.Lines(string(files[".folded"])) {
		at := strings.LastIndexByte(line, ' ')
		ns, err := strconv.ParseInt(strings.TrimSpace(line[at+1:]), 10, 64)
		if err != nil {
			t.Errorf("folded line %q: %v", line, err)
		}
		if strings.HasSuffix(line[:at], ";time.Sleep") {
			slept += ns
		}
	}
	if slept < int64(20*time.Millisecond) {
		t.Errorf("%v of sleep in the folded stacks", time.Duration(slept))
	}

	if !bytes.HasPrefix(files[".trace"], []byte("go 1.")) {
		t.Errorf("the trace begins with %q", files[".trace"][:16])
	}
	for _, want := range []string{"context_test.formattedWork", "spawned: " + name(".prof")} {
		if !bytes.Contains(files[".pftrace"], []byte(want)) {
			t.Errorf("the Perfetto trace has no %q", want)
		}
	}

	zr, err := gzip.NewReader(bytes.NewReader(files[".json.gz"]))
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	for ending, b := range map[string][]byte{".json": files[".json"], ".json.gz": unzipped} {
		var file struct {
			TraceEvents []struct {
				Ph, Name string
				Tid      int64
				TS       float64
			}
		}
		if err := json.Unmarshal(b, &file); err != nil {
			t.Fatalf("%s: %v", ending, err)
		}
		var sleeps, scopes, roles int
		begun := map[int64]float64{}
		for _, e := range file.TraceEvents {
			switch {
			case e.Name == "blocked: sleep" && e.Ph == "B":
				begun[e.Tid] = e.TS
			case e.Name == "blocked: sleep" && e.Ph == "E" && e.TS-begun[e.Tid] >= 20_000:
				sleeps++
			}
			switch {
			case e.Name == "spawned: "+name(".prof"):
				roles++
			case strings.HasSuffix(e.Name, "scope.prof"):
				scopes++
			}
		}
		if sleeps == 0 || scopes == 0 || roles != 1 {
			t.Errorf("%s: of %d events %d are the sleep, %d the scope and %d the goroutine's role", ending, len(file.TraceEvents), sleeps, scopes, roles)
		}
	}

	if err := context.Start(name(".html"), cprofile.OnError(func(error) {}))(); err == nil || !strings.Contains(err.Error(), "profscope convert") {
		t.Errorf("a page: %v", err)
	}
}

// TestTimelineOfInnerScope ends a timeline with its own scope, while another
// keeps the recording up.
func TestTimelineOfInnerScope(t *testing.T) {
	dir := scratch.Folder(t)
	outer := context.Start(filepath.Join(dir, "outer.prof"))
	defer outer()
	file := filepath.Join(dir, "inner.json")
	stop := context.Start(file)
	formattedWork()
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	scratch.Flush(t, dir)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b) || !bytes.Contains(b, []byte("blocked: sleep")) {
		t.Errorf("%d bytes, of which no sleep is seen", len(b))
	}
}
