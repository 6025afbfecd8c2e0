package format

import (
	"cmp"
	"fmt"
	"time"

	"github.com/profscope/profscope/internal/ledger"
)

// How the comments begin that tell of a scope's calls, for who reads them again.
const (
	CommentCalls = "calls: "
	CommentKept  = "kept: "
)

// comments is what a profile says about itself beyond its samples; `go tool
// pprof -comments` prints it. Lengths of time are exact here, as a program
// may read them.
func comments(l *ledger.Ledger, est estimate) []string {
	cs := []string{
		"scope: " + cmp.Or(l.Name, l.Target),
		CommentCalls + callCount(l),
	}
	if d := &l.Lengths; d.Count() > 0 {
		cs = append(cs, fmt.Sprintf("lengths of outermost calls: min %v, mean %v, p50 %v, p95 %v, p99 %v, max %v, stddev %v",
			time.Duration(d.Min()), time.Duration(d.Mean()), time.Duration(d.Percentile(50)), time.Duration(d.Percentile(95)),
			time.Duration(d.Percentile(99)), time.Duration(d.Max()), time.Duration(d.StdDev())))
	}
	if l.SlowerThan > 0 {
		cs = append(cs, CommentKept+keptCount(l))
	}
	if s := unfinished(l); s != "" {
		cs = append(cs, "unfinished: "+s)
	}
	if l.OutsideWait > 0 {
		cs = append(cs, fmt.Sprintf("outside wait: members were blocked for %v until a goroutine outside the scope woke them", time.Duration(l.OutsideWait)))
	}
	if l.GoVersion != "" {
		cs = append(cs, "go: "+l.GoVersion)
	}
	if l.GOMAXPROCS > 0 {
		cs = append(cs, fmt.Sprintf("GOMAXPROCS: %d", l.GOMAXPROCS))
	}
	cs = append(cs, "accuracy: "+est.sentence(l))
	for _, n := range l.Notes {
		cs = append(cs, "note: "+n)
	}
	return cs
}

// callCount reads like cProfile's 700/20: all calls and, when recursion makes
// them fewer, the outermost ones.
func callCount(l *ledger.Ledger) string {
	if n := l.Lengths.Count() + l.Open; n != l.Calls {
		return fmt.Sprintf("%d/%d", l.Calls, n)
	}
	return fmt.Sprint(l.Calls)
}

func keptCount(l *ledger.Ledger) string {
	return fmt.Sprintf("%d of %d outermost calls, those of %v and more", l.Kept, l.Lengths.Count()+l.Open, l.SlowerThan)
}

func unfinished(l *ledger.Ledger) string {
	switch {
	case l.Open == 1:
		return "1 call was still going on; its time up to then is in here"
	case l.Open > 1:
		return fmt.Sprintf("%d calls were still going on; their time up to then is in here", l.Open)
	case l.Unfinished:
		return "written while the recording went on; calls that ended later, if any, are not in here"
	}
	return ""
}
