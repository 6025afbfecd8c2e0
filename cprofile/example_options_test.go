package cprofile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/profscope/profscope/cprofile"
)

func ExampleFlush() {
	dir, remove := tempDir()
	defer remove()
	file := filepath.Join(dir, "open.prof")
	scope := cprofile.New(file).Start()

	if err := cprofile.Flush(); err != nil {
		fmt.Println(err)
	}
	_, err := os.Stat(file)
	fmt.Println("written while the scope is open:", err == nil)
	_ = scope.Stop()
	// Output: written while the scope is open: true
}

func ExampleProfile_Stats() {
	dir, remove := tempDir()
	defer remove()
	p := cprofile.New(filepath.Join(dir, "stats.prof"))
	scope := p.Start()
	done := make(chan bool)
	go func() { time.Sleep(10 * time.Millisecond); close(done) }()
	<-done
	_ = scope.Stop()

	s := p.Stats()
	fmt.Println("calls:", s.Calls)
	fmt.Println("waited for the channel:", s.Reasons["chan receive"] > 0)
	fmt.Println("the goroutine that it started was blocked:", s.Spawned.Blocked >= 9*time.Millisecond)
	// Output:
	// calls: 1
	// waited for the channel: true
	// the goroutine that it started was blocked: true
}

func ExampleAlso() {
	dir, remove := tempDir()
	defer remove()
	p := cprofile.New(filepath.Join(dir, "work.prof"), cprofile.Also(filepath.Join(dir, "work.txt")))
	_ = p.Start().Stop()
	_ = cprofile.Flush()
	es, _ := os.ReadDir(dir)
	for _, e := range es {
		fmt.Println(e.Name())
	}
	// Output:
	// work.prof
	// work.txt
}

func ExampleFormat() {
	dir, remove := tempDir()
	defer remove()
	file := filepath.Join(dir, "report")
	_ = cprofile.New(file, cprofile.Format("txt"), cprofile.Name("nightly job")).Start().Stop()
	_ = cprofile.Flush()
	b, _ := os.ReadFile(file)
	name, _, _ := strings.Cut(string(b), "\n")
	fmt.Println(name)
	// Output: nightly job
}

func ExampleName() {
	dir, remove := tempDir()
	defer remove()
	file := filepath.Join(dir, "x.prof")
	_ = cprofile.New(file, cprofile.Name("GET /v1/models")).Start().Stop()
	_ = cprofile.Flush()
	p, err := parse(file)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Comments[0])
	// Output: scope: GET /v1/models
}

func ExampleOnError() {
	told := make(chan error, 1)
	p := cprofile.New("report.html", cprofile.OnError(func(err error) { told <- err }))
	err := p.Start().Stop()
	fmt.Println("told what Stop returned:", <-told == err)
	fmt.Println("what to do:", strings.Contains(err.Error(), "profscope convert report.prof report.html"))
	// Output:
	// told what Stop returned: true
	// what to do: true
}

func ExampleStitch() {
	dir, remove := tempDir()
	defer remove()
	for _, stitch := range []bool{true, false} {
		file := filepath.Join(dir, fmt.Sprint(stitch, ".prof"))
		scope := cprofile.New(file, cprofile.Stitch(stitch)).Start()
		done := make(chan bool)
		go spawnedNap(done)
		<-done
		_ = scope.Stop()
		_ = cprofile.Flush()
		p, err := parse(file)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, s := range p.Sample {
			if fns := stack(s); slices.Contains(fns, pkg+"spawnedNap") && s.Label["state"][0] == "blocked" {
				fmt.Println(stitch, "below the function that started it:", slices.Contains(fns, pkg+"ExampleStitch"))
				break
			}
		}
	}
	// Output:
	// true below the function that started it: true
	// false below the function that started it: false
}

//go:noinline
func spawnedNap(done chan bool) {
	time.Sleep(2 * time.Millisecond)
	done <- true
}

func ExampleSamples() {
	dir, remove := tempDir()
	defer remove()
	p := cprofile.New(filepath.Join(dir, "x.prof"), cprofile.Samples(false))
	scope := p.Start()
	time.Sleep(2 * time.Millisecond)
	_ = scope.Stop()
	s := p.Stats()
	fmt.Println("states are exact all the same:", s.States.Total() == s.Elapsed && s.Unknown == 0)
	// Output: states are exact all the same: true
}
