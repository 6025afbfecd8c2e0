package session

import "sync"

// forcing makes many who want a generation to begin share it: with 200
// recordings that start and stop at once, one each would be a thousand a
// second, and the runtime makes them one after the other. The zero value is
// ready.
type forcing struct {
	mu       sync.Mutex
	next     sync.Cond
	started  uint64 // advances begun, ever
	finished uint64 // and ended
}

// share returns after an advance that began after the call, which it makes
// itself or leaves to another.
func (f *forcing) share(advance func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.next.L == nil {
		f.next.L = &f.mu
	}
	want := f.started + 1
	for f.finished < want {
		if f.started > f.finished { // one is under way, and began too early or for us
			f.next.Wait()
			continue
		}
		f.started++
		f.mu.Unlock()
		advance()
		f.mu.Lock()
		f.finished = f.started
		f.next.Broadcast()
	}
}
