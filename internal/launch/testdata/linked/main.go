// Linked is a program that links profscope and has a scope of its own.
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
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
	calls := 30
	if len(os.Args) > 1 {
		n, err := strconv.Atoi(os.Args[1])
		if err != nil {
			log.Fatal(err)
		}
		calls = n
	}
	for range calls {
		scoped()
	}
	if err := cprofile.Flush(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("done")
}
