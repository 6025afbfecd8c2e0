package convert

import (
	"bytes"
	"cmp"
	"fmt"
	"io"

	"github.com/profscope/profscope/internal/importer"
)

// Verify returns an error if what r gives is not what a file with the ending holds:
// it comes from a server, say, that is another one than we take it for. Of a
// profile all is read, of the other formats the beginning.
func Verify(r io.Reader, ending string) error {
	plain, err := decompressed(r, bombSize)
	if err != nil {
		return err
	}
	head, err := plain.Peek(peekSize)
	if len(head) == 0 {
		if err == io.EOF {
			err = nil
		}
		return cmp.Or(err, errEmpty)
	}
	want := KindPprof
	switch {
	case ending == ".trace":
		want = KindTrace
	case ending == ".pftrace":
		want = KindPerfetto
	case IsTimeline(ending):
		want = KindChrome
	case ending == ".txt":
		want = KindTable
	case ending == ".folded":
		want = KindFolded
	}
	got := kindOf(head)
	switch {
	case want == KindChrome && got == want && !bytes.Contains(head, []byte(`"traceEvents"`)):
		return fmt.Errorf("it is JSON, and no %s", want)
	case got == KindPprof: // that is what is left over
		if _, err := importer.Pprof(plain); err != nil {
			return fmt.Errorf("it is no %s: its content is of no known kind", want)
		}
	case got == KindChrome && want != got:
		return fmt.Errorf("it is JSON, and no %s", want)
	}
	if got != want {
		return fmt.Errorf("it is a %s, and no %s", got, want)
	}
	return nil
}
