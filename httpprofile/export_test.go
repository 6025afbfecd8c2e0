package httpprofile

import (
	"testing"
	"time"
)

// A machine that is busy has the analysis of a request late; that the totals come is
// another matter than when.
func init() { timingPatience = time.Minute }

// OpenPatience sets how long a request waits for another that opens its route, until
// the test ends.
func OpenPatience(t *testing.T, d time.Duration) {
	before := openPatience
	openPatience = d
	t.Cleanup(func() { openPatience = before })
}
