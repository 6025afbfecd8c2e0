package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"unicode"
	"unicode/utf8"

	"github.com/profscope/profscope/internal/convert"
	"github.com/profscope/profscope/internal/dest"
)

// write brings what encode gives to name; "" and "-" are this program's
// stdout. To "", which is a table for a person, a pipe that nobody reads any
// more ends the program without a word, as everywhere in `| head`. Who asks for
// a file on stdout by "-" is told that it was cut.
//
// An interrupt while it is written leaves an old file whole.
func (a *app) write(name string, encode func(io.Writer) error) error {
	if a.isInput(name) {
		return usagef("%s is an input too, and would be replaced", name)
	}
	if a.until != nil {
		encode = until(a.until, encode)
	}
	if name == "-" {
		signal.Ignore(syscall.SIGPIPE)
	}
	if name == "" || name == "-" {
		w := &firstError{w: a.stdout}
		err := encode(w)
		if w.err != nil {
			return fmt.Errorf("writing to standard output: %w", w.err)
		}
		return err
	}
	return dest.Put(name, encode)
}

// ending is the one that decides the output's format. That one is not known is
// said: somebody may have meant another.
func (a *app) ending(name string) string {
	ending, known := convert.OutputEnding(name)
	if !known {
		fmt.Fprintf(a.stderr, "profscope: %s: there is no format %s: it is written as a profile for pprof\n", shownOutput(name), shown(convert.Ending(name)))
	}
	return ending
}

// firstError keeps the writer's own error, whatever an encoder makes of it.
type firstError struct {
	w   io.Writer
	err error
}

func (f *firstError) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.w.Write(p)
	f.err = err
	return n, err
}

// shownOutput is the name of an output as messages have it.
func shownOutput(name string) string {
	if name == "-" {
		return "standard output"
	}
	return shown(name)
}

// shown is a name as it is told to a person: as it is, or, should it have a word
// with the terminal, as errors quote it.
func shown(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) || !utf8.ValidString(name) {
		return strconv.Quote(name)
	}
	return name
}

// isInput reports whether the output of that name is a file that is read, by
// this name or another.
func (a *app) isInput(name string) bool {
	out, err := os.Stat(name)
	if err != nil || !out.Mode().IsRegular() {
		return false
	}
	for _, n := range a.inputs {
		var in fs.FileInfo
		if f, ok := a.stdin.(*os.File); n == "-" && ok {
			in, err = f.Stat()
		} else {
			in, err = os.Stat(n)
		}
		if err == nil && os.SameFile(in, out) {
			return true
		}
	}
	return false
}
