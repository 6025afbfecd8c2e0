// Minimal is the smallest program that uses profscope: what it links beyond
// baseline is what a user pays.
package main

import (
	"fmt"

	"github.com/profscope/profscope/cprofile"
)

var work = cprofile.Func("work.prof", func() { fmt.Println("work") })

func main() {
	defer cprofile.Flush()
	work()
}
