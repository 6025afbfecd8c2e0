package format

import (
	"path"
	"strconv"
	"strings"
	"unicode"

	"github.com/rivo/uniseg"
)

// clean makes s safe for one line of a terminal: names of files and scopes
// may hold line ends and escape sequences.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, strings.ToValidUTF8(s, "?"))
}

// width returns how many columns of a terminal s takes, colours aside.
func width(s string) int {
	n := 0
	for {
		i := strings.Index(s, "\x1b[")
		if i < 0 {
			return n + uniseg.StringWidth(s)
		}
		n += uniseg.StringWidth(s[:i])
		s = s[i:]
		s = s[strings.IndexByte(s, 'm')+1:]
	}
}

// trim returns the longest beginning of s that takes at most w columns.
func trim(s string, w int) string {
	rest, state, end := s, -1, 0
	for rest != "" {
		var cluster string
		var cw int
		cluster, rest, cw, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if w -= cw; w < 0 {
			break
		}
		end += len(cluster)
	}
	return s[:end]
}

// snip shortens s to at most w columns by leaving out its end.
func snip(s string, w int) string {
	if width(s) <= w {
		return s
	}
	return trim(s, w-1) + "…"
}

// wrap breaks s between words into lines of at most w columns; a longer word
// has a line of its own.
func wrap(s string, w int) []string {
	var lines []string
	line := ""
	for i, word := range strings.Split(s, " ") {
		switch {
		case i > 0 && width(line)+1+width(word) > w && strings.TrimSpace(line) != "":
			lines = append(lines, strings.TrimRight(line, " "))
			line = word
		case i > 0:
			line += " " + word
		default:
			line = word
		}
	}
	return append(lines, line)
}

// cutMiddle shortens s to at most w columns by leaving out its middle: the
// package stands at the front of a name and what tells closures and methods
// apart at its end.
func cutMiddle(s string, w int) string {
	if width(s) <= w {
		return s
	}
	if w < 1 {
		return ""
	}
	const dots = "…"
	room := w - width(dots)
	if room < 2 {
		return trim(s, w)
	}
	head := trim(s, room/3)
	room -= width(head)
	rs := []rune(s)
	from := len(rs)
	for from > 0 && width(string(rs[from-1])) <= room {
		from--
		room -= width(string(rs[from]))
	}
	return head + dots + string(rs[from:])
}

// shortName drops the folders of package paths, in type arguments too:
// example.com/shop/store.Get[example.com/shop/money.Sum] becomes
// store.Get[money.Sum].
func shortName(name string) string {
	const ends = "([{*,; "
	var b strings.Builder
	for name != "" {
		n := strings.IndexAny(name, ends) + 1
		if n == 0 {
			n = len(name)
		}
		b.WriteString(name[strings.LastIndexByte(name[:n], '/')+1 : n])
		name = name[n:]
	}
	return b.String()
}

// position is file:line without the folders; the function's package says
// which folder it is. The line is that of the func keyword, or there is none:
// one at which the function was seen would be any of many.
func (f *function) position(line int64) string {
	if f.file == "" {
		return ""
	}
	// Files of a Windows program may be looked at anywhere.
	file := path.Base(strings.ReplaceAll(f.file, `\`, "/"))
	if line <= 0 {
		return clean(file)
	}
	return clean(file) + ":" + strconv.FormatInt(line, 10)
}

// leastName is the width below which a function's name says less than the
// place where it stands.
const leastName = 24

// fit returns the function's name and position for w columns with two spaces
// between them; w <= 0 is room without end. What goes first: folders of the
// package path, then the middle of the name, then the position.
func (f *function) fit(w int, line int64) (name, pos string) {
	name, pos = clean(f.name), f.position(line)
	room := w
	if pos != "" {
		room -= 2 + width(pos)
	}
	if w <= 0 || width(name) <= room {
		return name, pos
	}
	name = shortName(name)
	if width(name) <= room {
		return name, pos
	}
	if room < leastName {
		return cutMiddle(name, w), ""
	}
	return cutMiddle(name, room), pos
}

// shellWord quotes a file name for a shell where it needs that, so that the
// command at the end of a table can be copied as it stands.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_-./+,:=@%", r)
	}
	s = clean(s)
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
