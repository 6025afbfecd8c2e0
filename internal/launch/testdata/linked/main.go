// Linked is a program that links profscope and has a scope of its own.
package main

import (
	"fmt"
	"log"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

//go:noinline
func scoped() {
	defer profctx.Start("own.prof")()
	time.Sleep(50 * time.Millisecond)
}

func main() {
	for range 30 {
		scoped()
	}
	if err := cprofile.Flush(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("done")
}
