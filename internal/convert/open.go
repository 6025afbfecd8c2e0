package convert

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/pprof/profile"
	"github.com/klauspost/compress/zstd"

	"github.com/profscope/profscope/internal/gotrace"
	"github.com/profscope/profscope/internal/importer"
	"github.com/profscope/profscope/internal/ledger"
)

// Kind is what a file is, found out by its content and never by its name.
type Kind string

const (
	KindTrace    Kind = "Go execution trace"
	KindPprof    Kind = "pprof profile"
	KindFolded   Kind = "folded stacks"
	KindV8       Kind = "V8 CPU profile"
	KindCProfile Kind = "Python cProfile"
	KindChrome   Kind = "Chrome trace"
	KindPerfetto Kind = "Perfetto trace"
	KindTable    Kind = "table of profscope"
)

// Options say how inputs are read. The zero value reads all of them.
type Options struct {
	Stdin     io.Reader // for the name "-"
	StdinName string    // what it is called, if not standard input
	// From and To bound the time, of kinds that have a timeline.
	From, To time.Duration
	// Focus and Ignore are regular expressions that DrawTimeline chooses
	// slices by: by their names, tracks and stacks.
	Focus, Ignore string
	// Unread has files that can be seen alone read as their Kind and what
	// shows them, where they are an [*UnreadError] otherwise.
	Unread bool
	// Ended is that of [gotrace.FileOptions].
	Ended string
	// Serving are the functions that LeaveOut is to be called with.
	Serving []string
	// Watch, if set, is given each file with its size (-1 if it has none) and
	// returns the reader to read it through: a progress bar.
	Watch func(r io.Reader, name string, size int64) io.Reader
	// Until, if set, ends the reading: its error is then the only answer.
	Until context.Context

	timeline func(*ledger.Stacks) ledger.Timeline
	bombSize int64 // for tests; 0 is bombSize
	clock    bool  // only Input.begin is wanted of a Go trace
}

func (o *Options) called(name string) string {
	if name == "-" && o.StdinName != "" {
		return o.StdinName
	}
	return name
}

// Input is one file, read.
type Input struct {
	Name string
	Kind Kind

	// One of these is set, by Kind.
	Trace   *gotrace.File
	Profile *profile.Profile
	Py      *importer.PyStats
	Chrome  *importer.ChromeTrace
	See     string // what shows it; see Options.Unread
	// Warnings tell what is damaged or was left out.
	Warnings []string

	begin time.Time // by the wall clock, zero if not known; set by Options.clock
}

// Error is a failure with one file. It reads FILE: what: what to do.
type Error struct {
	Name string
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("%s: %v", shownName(e.Name), e.Err) }
func (e *Error) Unwrap() error { return e.Err }

func shownName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// ErrKind is the error for a file that is nothing that is known.
var ErrKind = errors.New("its content is of no known kind: Go traces, pprof profiles, folded stacks, Chrome traces, V8 and Python cProfile files work, gzipped or not")

// Files returns the names with each folder replaced by the files in it, sorted.
func Files(names []string) ([]string, error) {
	var all []string
	for _, n := range names {
		info, err := os.Stat(n)
		if n == "-" || err != nil || !info.IsDir() {
			all = append(all, n)
			continue
		}
		entries, err := os.ReadDir(n)
		if err != nil {
			return nil, &Error{n, err}
		}
		found := len(all)
		for _, e := range entries {
			if e.Type().IsRegular() && e.Name()[0] != '.' {
				all = append(all, filepath.Join(n, e.Name()))
			}
		}
		if len(all) == found {
			return nil, &Error{n, errors.New("there is no file in this folder")}
		}
	}
	return all, nil
}

// Open reads the file of that name, "-" being standard input.
func Open(name string, o Options) (*Input, error) {
	in, err := open(name, o)
	if err != nil {
		return nil, &Error{o.called(name), withoutPath(err)}
	}
	return in, nil
}

func open(name string, o Options) (_ *Input, err error) {
	s, size, err := openFeed(o.Until, name, o.Stdin)
	if err != nil {
		return nil, err
	}
	defer func() {
		s.close()
		if e := s.ended(); e != nil {
			err = e
		}
	}()
	var r io.Reader = s
	if o.Watch != nil {
		r = o.Watch(r, name, size)
	}
	plain, err := decompressed(r, cmp.Or(o.bombSize, bombSize))
	if err != nil {
		return nil, err
	}
	in := &Input{Name: o.called(name)}
	return in, in.read(plain, o)
}

const peekSize = 64 << 10

// decompressed takes off gzip and zstd, one around the other if need be.
func decompressed(r io.Reader, bombSize int64) (*bufio.Reader, error) {
	in := &counted{r: r}
	r = in
	for range 3 {
		b := bufio.NewReaderSize(r, peekSize)
		head, err := b.Peek(4)
		if err != nil && err != io.EOF {
			return nil, err
		}
		switch {
		case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
			zr, err := gzip.NewReader(b)
			if err != nil {
				return nil, fmt.Errorf("it begins like gzip: %w", err)
			}
			r = &watched{r: zr, in: in, size: bombSize}
		case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
			zr, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(128<<20))
			if err != nil {
				return nil, fmt.Errorf("it begins like zstd: %w", err)
			}
			r = &watched{r: zr, in: in, size: bombSize}
		default:
			return b, nil
		}
	}
	return nil, errors.New("it is compressed more than twice")
}

// kindOf tells what begins with head.
func kindOf(head []byte) Kind {
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(head, []byte("go 1.")):
		return KindTrace
	case len(head) > 1 && head[0]&0x7f == '{' && slices.Contains([]byte("()0"), head[1]&0x7f):
		return KindCProfile
	case len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '['):
		if trimmed[0] == '{' && isV8(head) {
			return KindV8
		}
		if trimmed[0] == '[' && isFolded(head) { // [profscope];main.main 3
			return KindFolded
		}
		return KindChrome
	case isPerfetto(head):
		return KindPerfetto
	case aTable.Match(head):
		return KindTable
	case isFolded(head):
		return KindFolded
	}
	return KindPprof
}

// isV8 tells V8's profiles from traces that DevTools write, which hold such
// profiles in pieces.
func isV8(head []byte) bool {
	has := func(key string) bool { return bytes.Contains(head, []byte(`"`+key+`"`)) }
	return (has("callFrame") || has("timeDeltas")) && !has("traceEvents")
}

// isFolded reports whether the first lines are stacks with weights, or one is a
// stack of several functions: what is wrong with the next is told by who reads it.
func isFolded(head []byte) bool {
	if !utf8.Valid(head[:max(len(head)-utf8.UTFMax, 0)]) || bytes.IndexByte(head, 0) >= 0 {
		return false
	}
	seen, sure := 0, false
	for line := range bytes.Lines(head) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		at := bytes.LastIndexByte(line, ' ')
		if at <= 0 || at == len(line)-1 || len(bytes.Trim(line[at+1:], "0123456789.")) > 0 {
			return sure
		}
		if bytes.HasPrefix(line, []byte("heap profile:")) || bytes.HasPrefix(line, []byte("---")) {
			return false
		}
		sure = sure || bytes.IndexByte(line[:at], ';') > 0
		if seen++; seen == 3 {
			break
		}
	}
	return seen > 0
}

func (in *Input) read(r *bufio.Reader, o Options) (err error) {
	head, err := r.Peek(peekSize)
	if len(head) == 0 {
		if err != nil && err != io.EOF {
			return err
		}
		return errEmpty
	}
	in.Kind = kindOf(head)
	if see, ok := unread[in.Kind]; ok {
		if in.See = see; o.Unread {
			return nil
		}
		return &UnreadError{in.Kind, see}
	}
	if in.Kind == KindChrome && o.timeline == nil && (o.From != 0 || o.To != 0) {
		return errors.New("a window of a Chrome trace works for timelines alone (.pftrace, .json, .json.gz)")
	}
	if (o.From != 0 || o.To != 0) && !in.Kind.HasTimes() {
		return fmt.Errorf("a window of time needs a timeline, and this is a %s", in.Kind)
	}
	switch in.Kind {
	case KindTrace:
		if o.clock {
			in.begin, err = gotrace.WallBegin(r)
			break
		}
		in.Trace, err = gotrace.ReadFile(r, gotrace.FileOptions{Name: filepath.Base(in.Name), From: o.From, To: o.To, Ended: o.Ended, Serving: o.Serving, Timeline: o.timeline})
		if err == nil {
			in.Warnings = in.Trace.Warnings
		}
	case KindFolded:
		in.Profile, err = importer.Folded(r)
	case KindV8:
		in.Profile, err = importer.V8(r)
	case KindCProfile:
		in.Py, err = importer.CProfile(r)
	case KindPprof:
		if in.Profile, err = importer.Pprof(r); err != nil {
			err = fmt.Errorf("%w (%w)", ErrKind, err)
		}
	case KindChrome:
		in.Chrome, err = importer.Chrome(r)
		if err == nil {
			in.Warnings = in.Chrome.Warnings
		}
	}
	return err
}
