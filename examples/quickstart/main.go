// Quickstart runs a decorated function, a block and a scope without a name.
//
// It leaves expensive_function.prof and another_function.prof in the current
// folder, prints a table for the third scope, and says how to look at the
// files.
package main

import (
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

// expensive is expensiveFunction under the decorator.
var expensive = cprofile.Func("expensive_function.prof", expensiveFunction)

// expensiveFunction computes, and sleeps a little.
func expensiveFunction(n int) int {
	sum := 0
	for i := range n {
		sum += i * i % 7
	}
	time.Sleep(20 * time.Millisecond)
	return sum
}

// anotherFunction is profiled by the context manager: one line.
func anotherFunction() {
	defer profctx.Start("another_function.prof")()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			expensiveFunction(20_000_000)
		})
	}
	wg.Wait()
}

func main() {
	log.SetFlags(0)
	for range 3 {
		expensive(30_000_000)
	}
	anotherFunction()

	// Without a name: a table on stdout.
	stop := profctx.Start("", cprofile.Name("the third scope"))
	expensiveFunction(50_000_000)
	time.Sleep(50 * time.Millisecond)
	if err := stop(); err != nil {
		log.Fatal(err)
	}

	if err := cprofile.Flush(); err != nil {
		log.Fatal(err)
	}
	for _, f := range []string{"expensive_function.prof", "another_function.prof"} {
		if _, err := os.Stat(f); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("\nwritten: %s\nlook at it: go tool pprof -http=: %s\n", f, f)
	}
}
