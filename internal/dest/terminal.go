package dest

import (
	"os"
	"strconv"

	"golang.org/x/term"
)

// unknownWidth is for a terminal that does not tell.
const unknownWidth = 80

// StdoutWidth returns how many columns a line on os.Stdout may have: the
// terminal's own, else $COLUMNS, else 0 if it is not a terminal and lines
// need no limit.
func StdoutWidth() int {
	tty, width := stdoutTerminal()
	if width > 0 {
		return width
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if tty {
		return unknownWidth
	}
	return 0
}

// StdoutColor tells whether os.Stdout shows colours: a terminal that is not
// dumb, and no $NO_COLOR (https://no-color.org: any value but the empty one).
func StdoutColor() bool {
	tty, _ := stdoutTerminal()
	return tty && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && stdoutEscapes()
}

func stdoutTerminal() (tty bool, width int) {
	_ = withStdout(func(fd uintptr) error {
		if tty = term.IsTerminal(int(fd)); tty {
			width, _, _ = term.GetSize(int(fd))
		}
		return nil
	})
	return tty, width
}
