package convert

import (
	"strings"
	"testing"
)

// TestFoldedBracket: stacks may begin with what JSON begins with.
func TestFoldedBracket(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Kind{
		"[profscope];main.main 3\nmain.main 4\n":   KindFolded,
		"[\n{\"ph\": \"X\", \"ts\": 1},\n":         KindChrome,
		`[{"ph": "X", "ts": 1}, {"ph": "X", "ts":`: KindChrome,
	} {
		if got := kindOf([]byte(text)); got != want {
			t.Errorf("%q is a %s, not a %s", text, got, want)
		}
	}
	if err := Verify(strings.NewReader("[profscope];main.main 3\n"), ".folded"); err != nil {
		t.Error(err)
	}
}
