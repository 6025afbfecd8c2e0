package convert

import (
	"bytes"
	"errors"
	"testing"
)

// TestBehind: what is written comes whole and in order, or the error does,
// whenever it happens.
func TestBehind(t *testing.T) {
	t.Parallel()
	var want bytes.Buffer
	for i := range 2000 {
		want.Write(bytes.Repeat([]byte{byte(i)}, i%97))
	}
	for _, fail := range []int{-1, 0, 1, 1000, want.Len() - 1} {
		w := &disk{left: fail}
		b := newBehind(w)
		var err error
		for i := 0; i < 2000 && err == nil; i++ {
			p := bytes.Repeat([]byte{byte(i)}, i%97)
			_, err = b.Write(p)
			clear(p) // it is the caller's again
		}
		err = errors.Join(err, b.close())
		if fail < 0 {
			if err != nil || !bytes.Equal(w.got.Bytes(), want.Bytes()) {
				t.Errorf("%v, %d bytes of %d", err, w.got.Len(), want.Len())
			}
			continue
		}
		if !errors.Is(err, errFull) || !bytes.HasPrefix(want.Bytes(), w.got.Bytes()) {
			t.Errorf("a writer that fails at byte %d: %v", fail, err)
		}
	}
}

// disk takes so many bytes; -1 is all.
type disk struct {
	left int
	got  bytes.Buffer
}

func (f *disk) Write(p []byte) (int, error) {
	if f.left >= 0 && len(p) > f.left {
		n, _ := f.got.Write(p[:f.left])
		f.left = 0
		return n, errFull
	}
	if f.left >= 0 {
		f.left -= len(p)
	}
	return f.got.Write(p)
}
