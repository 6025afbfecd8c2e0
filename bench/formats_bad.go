package main

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// badInput is a file that no program should have written.
type badInput struct {
	name  string
	write func(w *bufio.Writer, size int) error // about size bytes, before compression
	gzip  bool
	times int // as large as the others
}

// many writes piece again and again after head.
func many(head, piece string) func(*bufio.Writer, int) error {
	return func(w *bufio.Writer, size int) error {
		w.WriteString(head)
		for n := 0; n < size; n += len(piece) {
			w.WriteString(piece)
		}
		return nil
	}
}

// counting writes lines that differ.
func counting(head, format string) func(*bufio.Writer, int) error {
	return func(w *bufio.Writer, size int) error {
		w.WriteString(head)
		args := make([]any, strings.Count(format, "%d"))
		for i, n := 0, 0; n < size; i++ {
			for j := range args {
				args[j] = i
			}
			k, err := fmt.Fprintf(w, format, args...)
			if err != nil {
				return err
			}
			n += k
		}
		return nil
	}
}

func badInputs() []badInput {
	return []badInput{
		{name: "gzip bomb of zeros", write: many("", strings.Repeat("\x00", 1<<16)), gzip: true, times: 3},
		{name: "gzip bomb of spaces", write: many("", strings.Repeat(" ", 1<<16)), gzip: true, times: 3},
		{name: "gzip bomb of events", write: many("[", strings.Repeat(`{"ph":"X","name":"a","ts":1,"dur":2,"pid":1,"tid":1},`, 1000)), gzip: true, times: 3},
		{name: "gzip bomb of stacks", write: many("", strings.Repeat("a;b;c 1\n", 8000)), gzip: true, times: 3},
		{name: "gzip bomb of a Go trace", write: many("go 1.26 trace\x00\x00\x00", strings.Repeat("\x01\x01\x01\x01\x00", 10000)), gzip: true, times: 3},
		{name: "random bytes", write: func(w *bufio.Writer, size int) error {
			_, err := io.CopyN(w, rand.NewChaCha8([32]byte{}), int64(size))
			return err
		}},
		{name: "one letter", write: many("", strings.Repeat("a", 1<<16))},
		{name: "prose", write: many("", "it was a dark and stormy night\n")},
		{name: "JSON nested without end", write: many(`{"a":`, "[")},
		{name: "JSON of one endless name", write: many(`[{"ph":"X","name":"`, "a")},
		{name: "JSON of events with names, threads and processes of their own", write: counting("[", `{"ph":"X","name":"n%d","ts":%d,"dur":2,"pid":%d,"tid":%d},`+"\n")},
		{name: "JSON of begins without end", write: counting("[", `{"ph":"B","name":"n","ts":%d,"pid":1,"tid":1},`+"\n")},
		{name: "JSON of async begins without end", write: counting("[", `{"ph":"b","name":"n","id":%d,"ts":%d,"pid":1,"tid":1},`+"\n")},
		{name: "JSON of slices that all overlap", write: counting("[", `{"ph":"X","name":"n","ts":%d,"dur":1%d,"pid":1,"tid":1},`+"\n")},
		{name: "stacks that all differ", write: counting("", "main;f%d;g%d %d\n")},
		{name: "pprof of empty messages", write: many("", "\x12\x00")},
		{name: "pprof heap of text", write: many("heap profile: 1: 2 [3: 4] @ heapprofile\n", " 1: 2 [3: 4] @ 0x10 0x20\n")},
		{name: "cProfile of nothing", write: many("{(\x03\x00\x00\x00", "N")},
		{name: "V8 profile of one chain", write: func(w *bufio.Writer, size int) error {
			w.WriteString(`{"startTime":0,"endTime":9,"nodes":[`)
			i := 1
			for n := 0; n < size; i++ {
				k, err := fmt.Fprintf(w, `{"id":%d,"callFrame":{"functionName":"f%d"},"children":[%d]},`, i, i, i+1)
				if err != nil {
					return err
				}
				n += k
			}
			fmt.Fprintf(w, `{"id":%d,"callFrame":{"functionName":"z"}}],"samples":[%d],"timeDeltas":[1]}`, i, i)
			return nil
		}},
		{name: "Go trace of empty batches", write: many("go 1.26 trace\x00\x00\x00", "\x01\x01\x01\x01\x00")},
		{name: "Go trace of one generation", write: many("go 1.26 trace\x00\x00\x00", "\x01\x01\x01\x01\x80\x80\x04"+strings.Repeat("\x17\x01", 1<<15)), times: 3},
		{name: "Go trace of 1.19 of zeros", write: many("go 1.19 trace\x00\x00\x00", strings.Repeat("\x00", 1<<16)), times: 3},
	}
}

// make writes the file, and returns its name.
func (b badInput) make(dir string, size int) (name string, err error) {
	name = filepath.Join(dir, strings.ReplaceAll(b.name, " ", "-"))
	f, err := os.Create(name)
	if err != nil {
		return "", err
	}
	var out io.Writer = f
	var zw *gzip.Writer
	if b.gzip {
		zw, err = gzip.NewWriterLevel(f, gzip.BestSpeed)
		if err != nil {
			return "", errors.Join(err, f.Close())
		}
		out = zw
	}
	w := bufio.NewWriterSize(out, 1<<20)
	err = errors.Join(b.write(w, size*max(b.times, 1)), w.Flush())
	if zw != nil {
		err = errors.Join(err, zw.Close())
	}
	return name, errors.Join(err, f.Close())
}
