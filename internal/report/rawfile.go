package report

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/dest"
	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/ledger"
)

var (
	// errSlow is why a trace that is written while it is recorded was cut.
	errSlow = errors.New("the trace came faster than it was taken")
	// errSpool is why a timeline was.
	errSpool = errors.New("the trace came faster than it could be drawn: write a .trace and convert that, or record for less long")
)

// lastTake is how long a file may take for what it is behind with when its
// scopes have ended: their stop waits for it, and with it whoever else writes.
// A FIFO can have a reader that takes a little for ever. Stdout has a patience
// of its own: the program's own printing waits for its reader as well.
const lastTake = 30 * time.Second

// rawFile is one file being written from the recording's bytes. It is a second
// reader of them, beside the analysis, which it never holds up: the analysis
// looks at a tenth of what a timeline shows, and who reads a FIFO takes a trace
// when it likes.
type rawFile struct {
	output output
	spool  spool
	done   chan error
	last   time.Duration // lastTake
}

func openRaw(o output) *rawFile {
	f := &rawFile{output: o, done: make(chan error, 1), last: lastTake}
	go func() {
		err := f.fill()
		f.spool.close() // whatever comes now would only pile up
		f.done <- err
	}()
	return f
}

// write neither keeps p nor waits.
func (f *rawFile) write(p []byte) { f.spool.put(p) }

// close brings the file to the disk and returns the first error.
func (f *rawFile) close() error {
	f.spool.close()
	if f.output.onStdout() {
		return <-f.done
	}
	t := time.NewTimer(f.last)
	defer t.Stop()
	select {
	case err := <-f.done:
		return err
	case <-t.C:
		f.spool.cut()
		return fmt.Errorf("profscope: write %q: given up %v after its end: %w", f.output.name, f.last, f.overrun())
	}
}

// overrun is the error of a file whose spool was cut.
func (f *rawFile) overrun() error {
	if f.output.format == dest.Trace {
		return errSlow
	}
	return errSpool
}

func (f *rawFile) fill() error {
	return dest.Put(f.output.name, func(w io.Writer) error {
		if f.output.format == dest.Trace {
			_, err := f.spool.WriteTo(w)
			return err
		}
		zw := gzip.NewWriter(w)
		// A recording that is cut is drawn as far as it goes: that something was
		// lost is told elsewhere.
		_, err := attrib.Draw(&f.spool, func(t *ledger.Stacks) ledger.Timeline {
			switch f.output.format {
			case dest.Perfetto:
				return format.NewPerfetto(w, t)
			case dest.ChromeGzip:
				return format.NewChrome(zw, t)
			}
			return format.NewChrome(w, t)
		})
		if err == nil && f.output.format == dest.ChromeGzip {
			err = zw.Close()
		}
		if f.spool.overrun() {
			err = f.overrun()
		}
		return err
	})
}
