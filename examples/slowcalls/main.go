// Slowcalls keeps in the file only the calls that were slow. That is decided
// when a call has ended, so nothing of a slow one is lost.
package main

import (
	"fmt"
	"log"
	"time"

	"github.com/profscope/profscope/cprofile"
)

var slow = cprofile.New("slowcalls.prof", cprofile.SlowerThan(20*time.Millisecond))

func request(i int) {
	defer slow.Start().Stop()
	if i%10 == 3 {
		time.Sleep(30 * time.Millisecond) // now and then
	}
}

func main() {
	for i := range 50 {
		request(i)
	}
	if err := cprofile.Flush(); err != nil {
		log.Fatal(err)
	}
	s := slow.Stats()
	fmt.Printf("%d calls, the longest over 20 ms: %v; only the slow ones are in slowcalls.prof\n",
		s.Calls, s.Max > 20*time.Millisecond)
}
