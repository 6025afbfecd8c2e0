package convert

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
)

// HasTimes reports whether files of the kind say what happened when, and not
// only how much there was of it.
func (k Kind) HasTimes() bool {
	return k == KindTrace || k == KindChrome || k == KindPerfetto
}

// KindOf looks at the beginning of a file, and reads no more of it.
func KindOf(ctx context.Context, name string) (Kind, error) {
	k, err := kindOfFile(ctx, name)
	if err != nil {
		return "", &Error{name, withoutPath(err)}
	}
	return k, nil
}

func kindOfFile(ctx context.Context, name string) (Kind, error) {
	s, _, err := openFeed(ctx, name, nil)
	if err != nil {
		return "", err
	}
	defer s.close()
	r, err := decompressed(s, bombSize)
	if err != nil {
		return "", err
	}
	head, err := r.Peek(peekSize)
	if len(head) == 0 {
		if err == io.EOF {
			err = nil
		}
		return "", cmp.Or(err, errEmpty)
	}
	return kindOf(head), nil
}

var errEmpty = errors.New("the file is empty")

// UnreadError is the error for a file of a kind that is made to be looked at:
// what it is is known, and how to look at it, and nothing of it is read.
type UnreadError struct {
	Kind Kind
	See  string // what shows it
}

func (e *UnreadError) Error() string {
	return fmt.Sprintf("this is a %s, which can be seen (%s) and not read: count and convert what it was made from", e.Kind, e.See)
}

// unread are the kinds that no verb reads but view.
var unread = map[Kind]string{
	KindPerfetto: "profscope view, or ui.perfetto.dev",
	KindTable:    "it is text, as less shows it",
}

// aTable is the beginning of what package format writes for people: of a scope
// its name, and a line that begins with its calls; else the name and the title
// of a report.
var aTable = regexp.MustCompile(`\A(?:[^\n]*\n[0-9]+(?:/[0-9]+)? calls?(?: \(all/outermost\))?(?:, [^\n]*)?|[^\n]+ · [^\n]+\n)\n`)

// withoutPath is the cause of an error that names the file, which is told
// already.
func withoutPath(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// isPerfetto tells Perfetto's packets from the sample types that a pprof
// profile may begin with: both are a first field with a length, and a sample
// type has only the fields 1 and 2.
func isPerfetto(head []byte) bool {
	if len(head) < 3 || head[0] != 1<<3|2 {
		return false
	}
	size, n := binary.Uvarint(head[1:])
	if n <= 0 || size == 0 || len(head) <= 1+n {
		return false
	}
	tag, k := binary.Uvarint(head[1+n:])
	return k > 0 && tag>>3 > 2
}
