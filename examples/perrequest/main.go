// Perrequest gets the exact totals of each call as values: what one request
// ran, waited for a processor and was blocked.
package main

import (
	"fmt"
	"log"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/cprofile"
)

var seen atomic.Int64

var serve = cprofile.Func("perrequest.prof", handle, cprofile.OnCall(func(s cprofile.Stats) {
	seen.Add(1)
	fmt.Printf("request: %8v elapsed = %8v running + %8v runnable + %8v blocked + %v syscall\n",
		s.Elapsed.Round(time.Microsecond), s.Running.Round(time.Microsecond), s.Runnable.Round(time.Microsecond),
		s.Blocked.Round(time.Microsecond), s.Syscall.Round(time.Microsecond))
}))

func handle(n int) int {
	time.Sleep(time.Duration(n) * time.Millisecond)
	sum := 0
	for i := range n * 1_000_000 {
		sum += i % 3
	}
	return sum
}

func main() {
	for n := range 4 {
		serve(n + 1)
	}
	if err := cprofile.Flush(); err != nil { // waits for OnCall too
		log.Fatal(err)
	}
	fmt.Println("calls seen:", seen.Load())
}
