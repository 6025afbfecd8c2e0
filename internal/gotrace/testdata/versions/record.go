//go:build ignore

// Record writes a trace with known answers to stdout, and the answers to
// stderr. It is run by programs of several Go versions:
//
//	cp record.go "$(mktemp -d)" and there, outside of any module,
//	for v in 1.22.12 1.23.12 1.24.12 1.25.5 1.26.8 1.27.4; do
//		GOTOOLCHAIN=go$v go run record.go 2>go$v.txt | gzip -9n >go$v.trace.gz
//	done
package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"
	"runtime/trace"
	"sync"
	"time"
)

func main() {
	if err := pprof.StartCPUProfile(null{}); err != nil {
		panic(err)
	}
	if err := trace.Start(os.Stdout); err != nil {
		panic(err)
	}
	ctx, task := trace.NewTask(context.Background(), "request")
	begin := time.Now()
	trace.WithRegion(ctx, "sleeping", func() { time.Sleep(20 * time.Millisecond) })
	fmt.Fprintln(os.Stderr, "sleeping", time.Since(begin).Nanoseconds())
	crossed(ctx)
	var all sync.WaitGroup
	all.Add(3)
	for i := 0; i < 3; i++ {
		go worker(&all)
	}
	all.Wait()
	task.End()
	trace.Stop()
	pprof.StopCPUProfile()
}

// crossed has two regions that overlap, which no nesting allows.
func crossed(ctx context.Context) {
	a := trace.StartRegion(ctx, "a")
	b := trace.StartRegion(ctx, "b")
	time.Sleep(time.Millisecond)
	a.End()
	time.Sleep(time.Millisecond)
	b.End()
}

func worker(all *sync.WaitGroup) {
	defer all.Done()
	time.Sleep(5 * time.Millisecond)
	spin(15 * time.Millisecond)
}

var sink int

func spin(d time.Duration) {
	for begin := time.Now(); time.Since(begin) < d; {
		for i := 0; i < 1000; i++ {
			sink += i
		}
	}
}

type null struct{}

func (null) Write(p []byte) (int, error) { return len(p), nil }
