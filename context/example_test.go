package context_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	profctx "github.com/profscope/profscope/context"
)

func ExampleStart() {
	dir, err := os.MkdirTemp("", "profscope-example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	stop := profctx.Start(filepath.Join(dir, "block.prof"))
	fmt.Println("the block")
	fmt.Println("error:", stop())
	fmt.Println("again:", stop())
	// Output:
	// the block
	// error: <nil>
	// again: <nil>
}

func ExampleWith() {
	dir, err := os.MkdirTemp("", "profscope-example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	handle := func(ctx context.Context) (err error) {
		ctx, stop := profctx.With(ctx, filepath.Join(dir, "request-%n.prof"))
		defer func() { err = errors.Join(err, stop()) }()
		return query(ctx)
	}
	for range 2 {
		fmt.Println("error:", handle(context.Background()))
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		fmt.Println(filepath.Base(f))
	}
	// Output:
	// error: <nil>
	// error: <nil>
	// request-1.prof
	// request-2.prof
}

func query(context.Context) error { return nil }

func ExampleJoin() {
	dir, err := os.MkdirTemp("", "profscope-example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	jobs, results := make(chan context.Context), make(chan string)
	go func() { // a worker that is older than the scope
		for ctx := range jobs {
			leave := profctx.Join(ctx)
			results <- "worked for the scope"
			leave()
		}
	}()

	ctx, stop := profctx.With(context.Background(), filepath.Join(dir, "request.prof"))
	jobs <- ctx
	fmt.Println(<-results)
	close(jobs)
	fmt.Println("error:", stop())
	// Output:
	// worked for the scope
	// error: <nil>
}
