package session

import (
	"time"

	"github.com/profscope/profscope/internal/report"
)

// headerPatience bounds the one wait for the first bytes of a trace, which the
// tracer's goroutine writes at once if it gets a processor.
const headerPatience = 50 * time.Millisecond

// readableLocked reports whether the analysis knows the version of the trace
// that q takes. It looks once in a process, and before the first scope writes
// its mark: calls that end before the parser meets the header would be lost
// otherwise. Without a header in time the answer is yes, and the parser tells.
// The caller holds r.mu.
func (r *recorder) readableLocked(q *queue) bool {
	if r.proven {
		return true
	}
	header := q.first(headerPatience)
	if header == nil {
		return true
	}
	r.proven = report.Readable(header)
	return r.proven
}

// first returns the first piece of the trace as soon as it is there, nil after
// d. It must come before the first Next.
func (q *queue) first(d time.Duration) []byte {
	stop := time.AfterFunc(d, func() {
		q.mu.Lock()
		q.more.Signal()
		q.mu.Unlock()
	})
	defer stop.Stop()
	until := nanotime() + int64(d)
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.chunks) == 0 {
		if nanotime() >= until {
			return nil
		}
		q.more.Wait()
	}
	return q.chunks[0]
}
