// Workerpool shows Join: workers that are older than a scope take part in it
// while they work for it.
package main

import (
	"context"
	"fmt"
	"log"
	"sync"

	profctx "github.com/profscope/profscope/context"
)

type job struct {
	ctx  context.Context
	n    int
	done *sync.WaitGroup
}

func worker(jobs <-chan job) {
	for j := range jobs {
		work(j)
	}
}

func work(j job) {
	defer profctx.Join(j.ctx)() // from here on this worker's time is the scope's
	defer j.done.Done()
	sum := 0
	for i := range j.n {
		sum += i * i % 11
	}
	_ = sum
}

func main() {
	jobs := make(chan job)
	for range 2 {
		go worker(jobs)
	}

	ctx, stop := profctx.With(context.Background(), "workerpool.prof")
	var done sync.WaitGroup
	for range 6 {
		done.Add(1)
		jobs <- job{ctx, 5_000_000, &done}
	}
	done.Wait()
	if err := stop(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("what the workers did for the scope has the role joined:")
	fmt.Println("go tool pprof -top -tagfocus=role=joined workerpool.prof")
}
