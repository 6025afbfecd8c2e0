package launch

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/profscope/profscope/internal/launch/stub"
)

// ErrNoRecorder is the error for a program that has nothing in it to record
// with.
var ErrNoRecorder = errors.New("it has no recorder of profscope")

// checkBinary tells whether the program in that file can record itself.
func checkBinary(name string, children bool) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer f.Close()
	has, err := contains(f, []byte(stub.Version))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if has || children { // whatever it starts may have one
		return nil
	}
	if _, err := buildinfo.Read(f); err != nil {
		return fmt.Errorf("%s: %w, and is no Go program: of scripts and others, --trace-fork-before-exec=true records the Go programs that they start", name, ErrNoRecorder)
	}
	return fmt.Errorf("%s: %w: build it by `profscope profile go build ...`, which leaves its sources as they are, or start it by `profscope profile go run ...`", name, ErrNoRecorder)
}

// contains searches r for the word, in pieces that overlap.
func contains(r io.Reader, word []byte) (bool, error) {
	buf := make([]byte, 0, 1<<20)
	for {
		n, err := io.ReadFull(r, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if bytes.Contains(buf, word) {
			return true, nil
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		buf = append(buf[:0], buf[len(buf)-len(word):]...)
	}
}
