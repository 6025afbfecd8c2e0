package profscope_test

import (
	"fmt"
	"strings"
	"testing"
)

// block is a fenced code block of a Markdown file.
type block struct {
	file string
	line int    // of the first line of text
	info string // what stands behind the fence: "go", "sh run"
	note string // the HTML comment right before the fence, without its marks
	text string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.file, b.line) }

// blocksOf returns the fenced blocks of a Markdown text. It knows what our own
// documents use: fences of three or more backquotes, indented in lists too,
// and HTML comments.
func blocksOf(file, text string) []block {
	var (
		blocks  []block
		open    *block
		fence   string
		indent  string
		note    []string // lines of the last comment, while only blank lines followed it
		comment bool
	)
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if open != nil {
			if strings.HasPrefix(trimmed, fence) && strings.Trim(trimmed, "`") == "" {
				blocks = append(blocks, *open)
				open = nil
				continue
			}
			open.text += strings.TrimPrefix(line, indent) + "\n"
			continue
		}
		if !comment {
			if rest, ok := strings.CutPrefix(trimmed, "<!--"); ok {
				comment, note, trimmed = true, nil, rest
			}
		}
		if comment {
			before, _, ended := strings.Cut(trimmed, "-->")
			if before = strings.TrimSpace(before); before != "" {
				note = append(note, before)
			}
			comment = !ended
			continue
		}
		if strings.HasPrefix(trimmed, "```") {
			info := strings.TrimLeft(trimmed, "`")
			fence = trimmed[:len(trimmed)-len(info)]
			indent = line[:strings.Index(line, "`")]
			open = &block{file: file, line: i + 2, info: strings.TrimSpace(info), note: strings.Join(note, "\n")}
		}
		if trimmed != "" {
			note = nil
		}
	}
	return blocks
}

func TestBlocksOf(t *testing.T) {
	const text = "Text.\n\n" +
		"<!-- with\n  var db *sql.DB\n-->\n```go\nf(db)\n```\n" +
		"1. item\n\n   ```sh run\n   echo a\n     b\n   ```\n" +
		"<!-- far away -->\nText between.\n```\nplain\n```\n" +
		"````md\n```go\n````\n" +
		"```sh\nnever closed\n"
	want := []block{
		{"x.md", 7, "go", "with\nvar db *sql.DB", "f(db)\n"},
		{"x.md", 12, "sh run", "", "echo a\n  b\n"},
		{"x.md", 18, "", "", "plain\n"},
		{"x.md", 21, "md", "", "```go\n"},
	}
	got := blocksOf("x.md", text)
	if len(got) != len(want) {
		t.Fatalf("%d blocks, want %d: %q", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("block %d:\ngot  %#v\nwant %#v", i, got[i], want[i])
		}
	}
}
