// Baseline is minimal without profscope.
package main

import "fmt"

var work = func() { fmt.Println("work") }

func main() {
	work()
}
