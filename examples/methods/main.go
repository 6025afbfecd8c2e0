// Methods wraps a method value, a method expression and an instance of a
// generic function.
package main

import (
	"fmt"
	"log"
	"time"

	"github.com/profscope/profscope/cprofile"
)

type store struct{ delay time.Duration }

func (s *store) get(key string) (string, error) {
	time.Sleep(s.delay)
	return "value of " + key, nil
}

func most[T any](items []T, less func(a, b T) bool) T {
	best := items[0]
	for _, it := range items[1:] {
		if less(best, it) {
			best = it
		}
	}
	return best
}

func main() {
	db := &store{delay: 10 * time.Millisecond}

	get := cprofile.Func("methods.prof", db.get)           // a method value
	getFrom := cprofile.Func("methods.prof", (*store).get) // a method expression
	mostInt := cprofile.Func("methods.prof", most[int])    // a generic function
	fmt.Println(get("a"))
	fmt.Println(getFrom(db, "b"))
	fmt.Println(mostInt([]int{3, 9, 4}, func(a, b int) bool { return a < b }))

	if err := cprofile.Flush(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("three doors, one file: go tool pprof -top methods.prof")
}
