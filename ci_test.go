package profscope_test

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// TestVulncheck feeds the judge of govulncheck's end with every kind of end.
// What must not happen is that a finding, or a check that broke, passes for a
// database out of reach.
func TestVulncheck(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("the script is for bash, install it to run this: ", err)
	}
	const fetch = `echo 'govulncheck: fetching vulnerabilities: `
	for _, tt := range []struct {
		name, command string
		code          int
		says          string
	}{
		{"nothing found", "echo No vulnerabilities found.", 0, "No vulnerabilities"},
		{"found", "echo 'Vulnerability #1: GO-2026-0001'; exit 3", 3, "FOUND"},
		{"found, in a text that speaks of networks", fetch + `no such host'; exit 3`, 3, "FOUND"},
		{"no name", fetch + `Get "x": dial tcp: lookup x: no such host'; exit 1`, 0, "NOT CHECKED"},
		{"no name, after downloads", "echo 'go: downloading a v1' >&2;" + fetch + `Get "x": dial tcp: lookup x: no such host'; exit 1`, 0, "NOT CHECKED"},
		{"refused by a proxy", fetch + `HTTP GET x returned unexpected status: 403 Forbidden'; exit 1`, 0, "NOT CHECKED"},
		{"no answer", fetch + `Get "x": dial tcp 192.0.2.1:443: i/o timeout'; exit 1`, 0, "NOT CHECKED"},
		{"a broken database", fetch + `unexpected end of JSON input'; exit 1`, 1, "exit code 1"},
		{"code that does not compile", "echo 'govulncheck: loading packages: no such host.go'; exit 1", 1, "exit code 1"},
		{"the tool cannot be had", "echo 'go: x: dial tcp: lookup x: no such host'; exit 1", 1, "exit code 1"},
		{"wrong flags", "exit 2", 1, "exit code 2"},
		{"took too long", "exit 124", 1, "exit code 124"},
		{"not installed", "no-such-command-at-all", 1, "exit code 127"},
	} {
		out, err := exec.Command(bash, ".ci/vulncheck", "sh", "-c", tt.command).CombinedOutput()
		code := 0
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			code = exit.ExitCode()
		} else if err != nil {
			t.Fatal(err)
		}
		if code != tt.code || !strings.Contains(string(out), tt.says) {
			t.Errorf("%s: exit code %d, want %d; want it to say %q, it said:\n%s", tt.name, code, tt.code, tt.says, out)
		}
	}
}
