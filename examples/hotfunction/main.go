// Hotfunction uses a handle in a function that is called very often. Its file
// is written at most once a second, so main has to flush.
package main

import (
	"fmt"
	"hash/fnv"
	"log"
	"strconv"

	"github.com/profscope/profscope/cprofile"
)

var hashing = cprofile.New("hotfunction.prof")

func hash(s string) uint64 {
	defer hashing.Start().Stop()
	h := fnv.New64a()
	for range 50 {
		_, _ = h.Write([]byte(s))
	}
	return h.Sum64()
}

func run() {
	var all uint64
	for i := range 200_000 {
		all ^= hash(strconv.Itoa(i))
	}
	fmt.Println("hash of hashes:", all)
}

func main() {
	run()
	if err := cprofile.Flush(); err != nil {
		log.Fatal(err)
	}
	s := hashing.Stats()
	fmt.Printf("%d calls, p50 %v, p99 %v\n", s.Calls, s.P50, s.P99)
}
