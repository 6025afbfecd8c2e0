package report

import (
	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/dest"
)

// rawFile streams the raw trace to a .trace destination. It begins with a
// recording and ends with it: a trace is only whole from one to the other.
type rawFile struct {
	w   *dest.Writer
	err error
}

func openRaw(name string) *rawFile {
	w, err := dest.Open(name)
	return &rawFile{w, err}
}

func (r *rawFile) write(p []byte) {
	if r.err == nil {
		_, r.err = r.w.Write(p)
	}
}

func (r *rawFile) close() error {
	if r.w == nil {
		return r.err
	}
	if r.err != nil {
		_ = r.w.Abort()
		return r.err
	}
	return r.w.Commit()
}

// Source is a recording's stream of bytes; see attrib.Source.
type Source = attrib.Source

// feed is the source that the analysis reads: it gives the engine's lock back
// while it waits, and keeps the raw trace for those who want it.
type feed struct {
	e   *Engine
	src Source
}

func (f *feed) Next() ([]byte, bool) {
	f.e.mu.Unlock()
	p, ok := f.src.Next()
	f.e.mu.Lock()
	if ok {
		for _, d := range f.e.raws() {
			for _, r := range d.raw {
				r.write(p)
			}
		}
	}
	return p, ok
}

func (f *feed) Done(p []byte) { f.src.Done(p) }
