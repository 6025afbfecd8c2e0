package format

import (
	"fmt"
	"os"
	"testing"
)

func TestLook(t *testing.T) {
	for _, w := range []int{80, 200, 0} {
		fmt.Println("=======", w)
		Table(os.Stdout, typical(), TableOptions{Width: w, FileHint: "another_function.prof"})
	}
	for n, l := range samplesOf() {
		if n == "typical" {
			continue
		}
		fmt.Println("=======", n)
		Table(os.Stdout, l, TableOptions{Width: 80, Rows: 12})
	}
	fmt.Println("======= 120")
	Table(os.Stdout, everything(), TableOptions{Width: 120, Rows: 12})
}
