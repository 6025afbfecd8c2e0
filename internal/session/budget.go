package session

import (
	"log/slog"
	"sync/atomic"
	"time"
)

// budget limits what ends of scopes may spend on ending the recording and on
// writing before they return: a twentieth of the time since the first scope,
// plus 50 ms. Beyond, the keeper writes, at most once a second. The zero value
// is ready.
type budget struct {
	first atomic.Int64 // nanotime of the first recording's begin
	spent atomic.Int64 // nanoseconds
	over  atomic.Bool
	hot   atomic.Bool // an end was deferred in this recording
	told  atomic.Bool // the first deferral has been logged
}

// begin is told that a recording begins.
func (b *budget) begin(now int64) {
	b.first.CompareAndSwap(0, now)
	b.hot.Store(false)
	b.judge(now)
}

// spend books the time since t.
func (b *budget) spend(t int64) {
	now := nanotime()
	b.spent.Add(now - t)
	b.judge(now)
}

// judge decides whether ends may write before they return. A recording in which
// one was deferred stays deferred, or the twentieth would be spent, several
// times a second, on restarting it.
func (b *budget) judge(now int64) {
	b.over.Store(b.hot.Load() || b.spent.Load() > (now-b.first.Load())/20+int64(50*time.Millisecond))
}

// deferred notes that an end has left writing to the keeper.
func (b *budget) deferred(target string) {
	if !b.hot.Load() {
		b.hot.Store(true)
	}
	if b.told.Swap(true) {
		return
	}
	slog.Info("profscope: scopes end so often, or the disk is so slow, that a file or table is now written at most once a second, and 50 ms after the last scope. Without defer cprofile.Flush() in main the last part is lost.", "destination", target)
}
