package report

import (
	"compress/gzip"
	"errors"
	"io"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/dest"
	"github.com/profscope/profscope/internal/format"
	"github.com/profscope/profscope/internal/ledger"
)

var errSpool = errors.New("the trace came faster than it could be drawn: write a .trace and convert that, or record for less long")

// drawing is a timeline being written: a second reader of the recording, for
// the analysis looks at a tenth of what a timeline shows. It runs beside the
// analysis, which it never holds up.
type drawing struct {
	spool spool
	done  chan error
}

func openTimeline(o output) rawFile {
	d := &drawing{done: make(chan error, 1)}
	go func() {
		err := d.draw(o)
		d.spool.close() // whatever comes now would only pile up
		d.done <- err
	}()
	return d
}

func (d *drawing) write(p []byte) { d.spool.put(p) }

func (d *drawing) close() error {
	d.spool.close()
	return <-d.done
}

func (d *drawing) draw(o output) error {
	return dest.Put(o.name, func(w io.Writer) error {
		zw := gzip.NewWriter(w)
		// A recording that is cut is drawn as far as it goes: that something was
		// lost is told elsewhere.
		_, err := attrib.Draw(&d.spool, func(t *ledger.Stacks) ledger.Timeline {
			switch o.format {
			case dest.Perfetto:
				return format.NewPerfetto(w, t)
			case dest.ChromeGzip:
				return format.NewChrome(zw, t)
			}
			return format.NewChrome(w, t)
		})
		if err == nil && o.format == dest.ChromeGzip {
			err = zw.Close()
		}
		if d.spool.overrun() {
			err = errSpool
		}
		return err
	})
}
