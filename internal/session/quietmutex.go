package session

import "sync"

// quietMutex is a mutex whose holder has something to log: it is logged when
// the mutex has been given back. The program's own log may open a scope, or be
// held up by a goroutine that does. The zero value is ready.
type quietMutex struct {
	mu   sync.Mutex
	news []func() // of the holder
}

func (m *quietMutex) Lock() { m.mu.Lock() }

func (m *quietMutex) TryLock() bool { return m.mu.TryLock() }

// log has f run when the holder, who calls it, gives back the mutex.
func (m *quietMutex) log(f func()) { m.news = append(m.news, f) }

func (m *quietMutex) Unlock() {
	news := m.news
	m.news = nil
	m.mu.Unlock()
	for _, f := range news {
		f()
	}
}
