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

// Source is a recording's stream of bytes. Next returns the next piece and
// blocks until there is one; the piece is valid until the next call; ok is
// false at the end.
type Source interface {
	Next() (p []byte, ok bool)
}

// feed is the parser's reader: the source, through the filter, with the
// engine's lock given back while it waits.
type feed struct {
	e      *Engine
	src    Source
	filter attrib.Filter
	have   []byte
}

func (f *feed) Read(p []byte) (int, error) {
	for len(f.have) == 0 {
		f.e.mu.Unlock()
		raw, ok := f.src.Next()
		f.e.mu.Lock()
		if !ok {
			return 0, errEnd
		}
		for _, d := range f.e.raws() {
			for _, r := range d.raw {
				r.write(raw)
			}
		}
		f.have = f.filter.Feed(raw)
	}
	n := copy(p, f.have)
	f.have = f.have[n:]
	return n, nil
}
