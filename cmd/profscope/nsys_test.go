package main

import (
	"slices"
	"strings"
	"testing"
)

// TestNsysBools: flags of profscope profile take true and false as words of
// their own, and the command's arguments are left alone.
func TestNsysBools(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ args, want string }{
		{"profile --stats true ./a", "profile --stats=true ./a"},
		{"profile -f true -x false ./a -f true", "profile -f=true -x=false ./a -f true"},
		{"profile -fx false ./a", "profile -fx=false ./a"},
		{"profile --stats ./a true", "profile --stats ./a true"},
		{"profile --stats=true true false", "profile --stats=true true false"},
		// The command after flags of every shape.
		{"profile ./a --stats true", "profile ./a --stats true"},
		{"profile -- ./a --stats true", "profile -- ./a --stats true"},
		{"profile --stats true -- ./a -f true", "profile --stats=true -- ./a -f true"},
		{"profile -o a.prof ./a -f true", "profile -o a.prof ./a -f true"},
		{"profile -oa.prof ./a -f true", "profile -oa.prof ./a -f true"},
		{"profile -o=a.prof ./a -f true", "profile -o=a.prof ./a -f true"},
		{"profile -fo a.prof ./a -f true", "profile -fo a.prof ./a -f true"},
		{"profile -d5 ./a -f true", "profile -d5 ./a -f true"},
		{"profile --duration 5 ./a -f true", "profile --duration 5 ./a -f true"},
		{"profile --duration=5 ./a -f true", "profile --duration=5 ./a -f true"},
		// A value that looks like a flag, or like one of these words.
		{"profile --output --stats true ./a", "profile --output --stats true ./a"},
		{"profile --session-new true --stats false ./a", "profile --session-new true --stats=false ./a"},
		{"profile --trace cuda -f true ./a", "profile --trace cuda -f=true ./a"},
		// Flags of every verb, before it and after.
		{"--profile-self mem profile --stats true ./a", "profile --profile-self mem --stats=true ./a"},
		{"profile --profile-self mem --stats true ./a", "profile --profile-self mem --stats=true ./a"},
		// Nothing to do.
		{"profile", "profile"},
		{"profile -f", "profile -f"},
		{"profile -o", "profile -o"},
		{"profile - -f true", "profile - -f true"},
		{"profile --nonsense true -f true", "profile --nonsense true -f true"},
		{"stats -f true", "stats -f true"},
		{"nonsense -f true", "nonsense -f true"},
		{"", ""},
	} {
		root := (&app{}).root()
		if got, want := nsysBools(root, strings.Fields(tt.args)), strings.Fields(tt.want); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", tt.args, got, want)
		}
	}
}
