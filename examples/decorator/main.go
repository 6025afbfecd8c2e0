// Decorator wraps a function: each call is a scope, and all calls add up in
// one file.
package main

import (
	"fmt"
	"log"
	"sort"

	"github.com/profscope/profscope/cprofile"
)

// sorted is sortMany with a profile.
var sorted = cprofile.Func("decorator.prof", sortMany)

func sortMany(n int) int {
	s := make([]int, n)
	for i := range s {
		s[i] = i * 7919 % n
	}
	sort.Ints(s)
	return s[n/2]
}

func main() {
	for range 5 {
		fmt.Println("median:", sorted(300_000))
	}
	if err := cprofile.Flush(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("go tool pprof -http=: decorator.prof")
}
