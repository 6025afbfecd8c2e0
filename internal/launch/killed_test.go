//go:build unix

package launch

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

// TestKilledEarly: of a program that was killed in its second generation there
// is one, and in that no goroutine of the recorder's passes for one of its own:
// what nobody places is less than what main waited.
func TestKilledEarly(t *testing.T) {
	t.Parallel()
	exe := parts(t)
	rounds := 0
	for begin := time.Now(); rounds < 6 && time.Since(begin) < time.Minute; { // which goroutine the generation's end finds at work is chance
		out := filepath.Join(t.TempDir(), "x.prof")
		var s said
		res, err := Run(t.Context(), []string{exe, "killed"}, s.options(t, out))
		if len(res.Files) == 0 {
			t.Logf("no generation was whole: %v", err) // the machine is busy
			continue
		}
		p := parse(t, out)
		main := wall(p, "main.main")
		if main < 100*time.Millisecond {
			// The generation that ends at once is alone, and its moment nearly all
			// the recorder's: the machine is busy.
			t.Logf("killed before its second generation was whole: %v in main", main)
			continue
		}
		rounds++
		nowhere := wallOf(p, func(s *profile.Sample) bool { return len(s.Location) == 0 || has(s, "[no stack]") })
		if nowhere > main/2 {
			t.Errorf("%v without a stack, and main has %v", nowhere, main)
		}
	}
	if rounds == 0 {
		t.Fatal("never was there time for a second generation")
	}
}
