// Block profiles a part of a function, into a file and as a table.
package main

import (
	"fmt"
	"log"
	"time"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

func load() {
	// Also brings the same as a second file; the ending picks the format.
	stop := profctx.Start("block.prof", cprofile.Also("block.txt"), cprofile.Name("load: the slow part"))
	answers := make(chan int)
	go func() {
		time.Sleep(30 * time.Millisecond)
		answers <- 42
	}()
	fmt.Println("answer:", <-answers)
	if err := stop(); err != nil {
		log.Fatal(err)
	}
}

func main() {
	load()
	fmt.Println("cat block.txt, or go tool pprof -http=: block.prof")
}
