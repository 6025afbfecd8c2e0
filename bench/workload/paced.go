package workload

import (
	"sync"
	"sync/atomic"
	"time"
)

// Paced calls batch(n) so that the sum of n grows at rate a second, until the
// deadline. The loop is open: a tick that comes late brings more, so that
// every profiler meets the same work and only its price differs. A program
// that falls behind is given up to maxBatch at once and the rest is lost.
func Paced(d time.Duration, rate float64, maxBatch int64, batch func(n int64)) (done int64) {
	const tick = time.Millisecond
	begin := time.Now()
	var due int64
	for {
		time.Sleep(tick)
		elapsed := time.Since(begin)
		total := int64(rate * min(elapsed, d).Seconds())
		if n := min(total-due, maxBatch); n > 0 {
			batch(n)
			done += n
		}
		due = total
		if elapsed >= d {
			return done
		}
	}
}

// shortGo starts goroutines that live about a microsecond.
type shortGo struct {
	rate float64 // 0: as fast as they go
	sink atomic.Uint64
}

func newShortGo(string) (Load, error)     { return &shortGo{rate: 100_000}, nil }
func newShortGoFlat(string) (Load, error) { return &shortGo{}, nil }

func (s *shortGo) Close() error { return nil }

func (s *shortGo) Run(d time.Duration) int64 {
	if s.rate > 0 {
		return Paced(d, s.rate, 20_000, s.start)
	}
	// Two starters, each a batch ahead: enough for both cores, and the
	// number alive stays small.
	const batch = 64
	end := newDeadline(d)
	done := make([]padded, 2)
	var wg sync.WaitGroup
	for i := range done {
		wg.Go(func() {
			for more := true; more; more = !end.past.Load() {
				s.start(batch)
				done[i].n += batch
			}
		})
	}
	wg.Wait()
	return sum(done)
}

func (s *shortGo) start(n int64) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { s.sink.Add(spin(uint64(i), 1000)) })
	}
	wg.Wait()
}

//go:noinline
func spin(x uint64, n int) uint64 {
	for range n {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

// eventsPerRoundTrip is how many events of the execution trace one round trip
// of two goroutines makes: each of the two blocks, is unblocked, and starts.
const eventsPerRoundTrip = 6

// events makes a million trace events a second, whoever listens: the load at
// which the end of a profile is timed.
type events struct{ ping, pong chan int }

func newEvents(string) (Load, error) {
	e := &events{make(chan int), make(chan int)}
	go echo(e.ping, e.pong)
	return e, nil
}

func (e *events) Close() error { close(e.ping); return nil }

func (e *events) Run(d time.Duration) int64 {
	return Paced(d, 1e6/eventsPerRoundTrip, 20_000, func(n int64) {
		for range n {
			e.ping <- 1
			<-e.pong
		}
	})
}

// light computes for about a quarter of one core and sleeps otherwise, as a
// server at night does: what a profiler adds by itself is plain to see.
type light struct{ w *cruncher }

func newLight(string) (Load, error) { return &light{newCruncher(1)}, nil }

func (l *light) Close() error { return nil }

func (l *light) Run(d time.Duration) int64 {
	return Paced(d, 50_000, 5_000, func(n int64) {
		for range n {
			l.w.hash(4 << 10)
		}
	})
}

// Brief is a function of about a fifth of a microsecond, short enough that
// what is put around it shows.
func Brief() { briefly.Store(spin(1, 200)) }

// briefly keeps the result, so that the compiler keeps the work.
var briefly atomic.Uint64
