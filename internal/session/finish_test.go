package session

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/trace"
	"testing"

	"github.com/profscope/profscope/internal/report"
)

// TestFinishTwice has the keeper end the recording between the end of the last
// scope and the moment when that scope would: whoever returns, the file is
// there.
func TestFinishTwice(t *testing.T) {
	dir := t.TempDir()
	for i := range 20 {
		file := filepath.Join(dir, fmt.Sprintf("%d.prof", i))
		d := Open(file)
		s := d.Begin().s
		// What Scope.End does, up to the point at which it may be left without a
		// processor.
		s.turn.Add(1)
		trace.Log(s.ctx, report.CategoryEnd, "")
		d.give(s)
		s.dest.Ended()
		closed()
		kept := make(chan error)
		go func() { kept <- rec.finish(nil, nil) }()
		for live() {
			runtime.Gosched()
		}
		err := rec.finish(s.dest, d.teller)
		if _, serr := os.Stat(file); err != nil || serr != nil {
			t.Errorf("when the scope has ended: %v, %v", err, serr)
		}
		if err := <-kept; err != nil {
			t.Error(err)
		}
	}
}
