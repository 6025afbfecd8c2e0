package cprofile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/profscope/profscope/cprofile"
)

// tempDir makes a folder for an example's files.
func tempDir() (dir string, remove func()) {
	dir, err := os.MkdirTemp("", "profscope-example")
	if err != nil {
		panic(err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }
}

func ExampleFunc() {
	dir, remove := tempDir()
	defer remove()
	double := cprofile.Func(filepath.Join(dir, "double.prof"), func(n int) int { return 2 * n })

	fmt.Println(double(21))
	if err := cprofile.Flush(); err != nil {
		fmt.Println(err)
	}
	_, err := os.Stat(filepath.Join(dir, "double.prof"))
	fmt.Println("written:", err == nil)
	// Output:
	// 42
	// written: true
}

func ExampleNew() {
	dir, remove := tempDir()
	defer remove()
	p := cprofile.New(filepath.Join(dir, "nap.prof"))
	nap := func() {
		defer p.Start().Stop()
		time.Sleep(6 * time.Millisecond)
	}

	nap()
	nap()
	s := p.Stats()
	fmt.Println("calls:", s.Calls)
	fmt.Println("slept at least 10ms:", s.Reasons["sleep"] >= 10*time.Millisecond)
	fmt.Println("states add up to elapsed:", s.States.Total() == s.Elapsed)
	// Output:
	// calls: 2
	// slept at least 10ms: true
	// states add up to elapsed: true
}

func ExampleOnCall() {
	dir, remove := tempDir()
	defer remove()
	work := cprofile.Func(filepath.Join(dir, "work.prof"), func() { time.Sleep(10 * time.Millisecond) },
		cprofile.OnCall(func(s cprofile.Stats) {
			fmt.Println("blocked at least 3ms:", s.Blocked >= 3*time.Millisecond)
		}))

	work()
	_ = cprofile.Flush() // waits for OnCall too
	// Output: blocked at least 3ms: true
}

func ExampleSlowerThan() {
	dir, remove := tempDir()
	defer remove()
	p := cprofile.New(filepath.Join(dir, "slow.prof"), cprofile.SlowerThan(time.Hour))
	for range 3 {
		_ = p.Start().Stop()
	}
	_ = cprofile.Flush()
	s := p.Stats()
	fmt.Println("all are counted:", s.Calls)
	fmt.Println("and their time:", s.States.Total() == s.Elapsed)
	// Output:
	// all are counted: 3
	// and their time: true
}

func ExampleEnabled() {
	f := cprofile.Func("never.prof", func() string { return "as it is" }, cprofile.Enabled(false))
	fmt.Println(f())
	// Output: as it is
}
