package workload

import (
	"sync"
	"time"
)

// pingpong is the worst case of anything that traces the scheduler: two pairs
// of goroutines that do nothing but wake each other, millions of times a
// second.
type pingpong struct{ pairs int }

func newPingPong(string) (Load, error) { return &pingpong{pairs: 2}, nil }

func (p *pingpong) Close() error { return nil }

func (p *pingpong) Run(d time.Duration) int64 {
	end := newDeadline(d)
	done := make([]padded, p.pairs)
	var wg sync.WaitGroup
	for i := range p.pairs {
		ping, pong := make(chan int), make(chan int)
		wg.Go(func() { echo(ping, pong) })
		wg.Go(func() {
			for more := true; more; more = !end.past.Load() {
				ping <- 1
				<-pong
				done[i].n++
			}
			close(ping)
		})
	}
	wg.Wait()
	return sum(done)
}

func echo(ping <-chan int, pong chan<- int) {
	for v := range ping {
		pong <- v
	}
}
