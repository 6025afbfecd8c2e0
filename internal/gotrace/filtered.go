package gotrace

import (
	"errors"
	"io"
	"sync/atomic"
)

// maxForeign bounds traces from before Go 1.22: their parser holds all of them.
const maxForeign = 160 << 20

var errForeign = errors.New("a trace from before Go 1.22, or a damaged one, of more than 160 MiB cannot be held")

// filtered is the parser's reader: the file, through the filter.
type filtered struct {
	r      io.Reader
	filter Filter
	buf    [32 << 10]byte
	have   []byte
	err    error
	count  *atomic.Int64
}

func (f *filtered) Read(p []byte) (int, error) {
	for len(f.have) == 0 {
		if f.err != nil {
			return 0, f.err
		}
		n, err := f.r.Read(f.buf[:])
		f.err = err
		if f.count.Add(int64(n)) > maxForeign && f.filter.foreign {
			f.err = errForeign
			return 0, f.err
		}
		f.have = f.filter.Feed(f.buf[:n])
		if f.filter.err != nil {
			f.err = f.filter.err
			return 0, f.err
		}
		if err != nil { // what is left is no whole batch: the parser shall see that
			f.have = append(f.have, f.filter.rest...)
		}
	}
	n := copy(p, f.have)
	f.have = f.have[n:]
	return n, nil
}
