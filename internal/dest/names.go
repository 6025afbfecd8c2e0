package dest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Vars is what the verbs of a name stand for. The zero value is usable: an
// empty Host is "localhost", an empty Rank "0", an empty Dir the working
// directory.
type Vars struct {
	PID   int       // %p
	Host  string    // %h
	Start time.Time // %t, in UTC as 20060102T150405
	Rank  string    // %r
	Dir   string    // where relative names go
}

// The runtime does not tell when the process began; package initialisation is
// as near as the standard library comes.
var started = time.Now()

var hostname = sync.OnceValue(func() string {
	h, _ := os.Hostname()
	return h
})

// ProcessVars returns the values of this process: $RANK, else $LOCAL_RANK,
// else 0, and $PROFSCOPE_DIR. Those from the environment are read at each
// call, since programs and tests set them; the rest is read once. Safe for
// concurrent use.
func ProcessVars() Vars {
	rank := os.Getenv("RANK")
	if rank == "" {
		rank = os.Getenv("LOCAL_RANK")
	}
	return Vars{
		PID:   os.Getpid(),
		Host:  hostname(),
		Start: started,
		Rank:  rank,
		Dir:   os.Getenv("PROFSCOPE_DIR"),
	}
}

// PerCall tells whether pattern has %n, so that each call has a file of its
// own.
func PerCall(pattern string) bool {
	for {
		_, after, ok := strings.Cut(pattern, "%")
		if !ok || after == "" {
			return false
		}
		if after[0] == 'n' {
			return true
		}
		pattern = after[1:]
	}
}

// NotPerCall is the error of a companion that has %n and whose main file has not.
func NotPerCall(companion, file string) error {
	return fmt.Errorf("profscope: name %q: %w %%n beside %q: give that a %%n too, so that each call has files of its own", companion, ErrVerb, file)
}

// Expand puts values for the verbs of pattern: %p the process id, %h the
// host, %t the start time, %n the number of the call (from 1), %r the rank,
// %% a percent sign. Any other verb, and a percent sign at the end, is an
// error that is ErrVerb and names it. A relative result is put under v.Dir.
// "" and "-" come back unchanged.
func Expand(pattern string, v Vars, call int64) (string, error) {
	if pattern == "" || pattern == "-" {
		return pattern, nil
	}
	var b strings.Builder
	rest := pattern
	for {
		before, after, ok := strings.Cut(rest, "%")
		b.WriteString(before)
		if !ok {
			break
		}
		if after == "" {
			return "", fmt.Errorf("profscope: name %q: %w %% at the end: write %%%% for a percent sign", pattern, ErrVerb)
		}
		switch after[0] {
		case 'p':
			b.WriteString(strconv.Itoa(v.PID))
		case 'h':
			b.WriteString(part(v.Host, "localhost"))
		case 't':
			b.WriteString(v.Start.UTC().Format("20060102T150405"))
		case 'n':
			b.WriteString(strconv.FormatInt(call, 10))
		case 'r':
			b.WriteString(part(v.Rank, "0"))
		case '%':
			b.WriteByte('%')
		default:
			_, n := utf8.DecodeRuneInString(after)
			return "", fmt.Errorf("profscope: name %q: %w %%%s: %%p %%h %%t %%n %%r and %%%% work", pattern, ErrVerb, after[:n])
		}
		rest = after[1:]
	}
	name := b.String()
	if v.Dir != "" && !filepath.IsAbs(name) {
		// A trailing separator says that a folder is meant; Join would
		// take it off and make a file of that name.
		slash := os.IsPathSeparator(name[len(name)-1])
		name = filepath.Join(v.Dir, name)
		if slash && !os.IsPathSeparator(name[len(name)-1]) {
			name += string(filepath.Separator)
		}
	}
	if name == "-" {
		name = "." + string(filepath.Separator) + name // a value's dash is no wish for stdout
	}
	return name, nil
}

// part makes a value from outside one part of a file name: a rank or a host
// must not lead into another folder.
func part(s, none string) string {
	if s == "" {
		return none
	}
	if s == "." || s == ".." {
		return strings.Repeat("_", len(s))
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '/', '\\', ':', 0:
			return '_'
		}
		return r
	}, s)
}
