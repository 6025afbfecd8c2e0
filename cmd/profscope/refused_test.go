package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOutputIsInput: no verb replaces what it was given to read, whatever the
// names under which it is both.
func TestOutputIsInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := func(n string) string { return filepath.Join(dir, n) }
	for from, to := range map[string]string{"scope.prof": "a.prof", "server.trace.gz": "t.json"} {
		if err := os.WriteFile(name(to), read(t, "testdata/files/"+from), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Link(name("a.prof"), name("linked.prof")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a.prof", name("symlink.prof")); err != nil {
		t.Skip("no symbolic link can be made here (Windows allows it in developer mode):", err)
	}
	for _, args := range [][]string{
		{"convert", name("a.prof"), name("a.prof")},
		{"convert", name("a.prof"), name("linked.prof")},
		{"convert", name("symlink.prof"), name("a.prof")},
		{"convert", name("a.prof"), name("symlink.prof")},
		{"convert", "testdata/files/scope.prof", name("a.prof"), name("a.prof")},
		{"convert", "-", name("a.prof")},
		{"convert", name("t.json"), name("t.json")},
		{"stats", name("a.prof"), "-o", name("a.prof")},
		{"diff", "testdata/files/scope.prof", name("a.prof"), "-o", name("a.prof")},
	} {
		stdin, err := os.Open(name("a.prof"))
		if err != nil {
			t.Fatal(err)
		}
		out := args[len(args)-1]
		before := read(t, out)
		checkUsage(t, stdin, args, out+" is an input too, and would be replaced")
		if !bytes.Equal(read(t, out), before) {
			t.Errorf("%q: it was replaced", args)
		}
		stdin.Close()
	}
}

// TestFailOver: a bound that nothing exceeds would never fail.
func TestFailOver(t *testing.T) {
	t.Parallel()
	for _, bound := range []string{"NaN%", "nan", "Inf%", "+inf", "-Inf%", "-1%", "1e999%", "x", "%"} {
		checkUsage(t, nil, []string{"diff", "--fail-over=" + bound, "testdata/files/scope.prof", "testdata/files/scope.prof"}, "is no percentage: 5% is one")
	}
	for _, bound := range []string{"0", "0.5%", "1e3%"} {
		if _, err := parsePercent(bound); err != nil {
			t.Errorf("%q: %v", bound, err)
		}
	}
}

// TestAttachExists: a file that is there is refused before anything is recorded,
// and is replaced by who asks for that.
func TestAttachExists(t *testing.T) {
	t.Parallel()
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		_, _ = io.WriteString(w, map[string]string{
			"/profiles": `{"profiles":[]}`, "/start_profile": `{}`, "/stop_profile": `{"path":"x.prof"}`, "/profiles/x.prof": string(aProfile(t)),
		}[r.URL.Path])
	}))
	defer s.Close()
	dir := t.TempDir()
	name := filepath.Join(dir, "x.prof")
	if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	attach := []string{"attach", "--duration", "0.01", "-o"}[:4:4]
	checkUsage(t, nil, append(attach, name, s.URL), "-o "+name+": the file "+name+" exists: --force-overwrite replaces it\n")
	checkUsage(t, nil, append(attach, dir, s.URL), "that is a folder: name a file in it\n")
	for output, want := range map[string]string{
		strings.Repeat("a", 252) + ".prof": "choose a shorter name",
		filepath.Join(name, "y.prof"):      "a part of the path is a file",
		filepath.Join(dir, "%q.prof"):      "%q",
		filepath.Join(dir, "%p.prof"):      "%p is a process id",
		filepath.Join(dir, "x") + "/":      "is a folder",
	} {
		checkUsage(t, nil, append(attach, output, s.URL), want)
		if !strings.Contains(output, "%p") {
			checkUsage(t, nil, append(attach, output, "1"), want)
		}
	}
	if got := read(t, name); string(got) != "old" || asked > 0 {
		t.Errorf("%q is there, and the server was asked %d times", got, asked)
	}
	for _, flags := range [][]string{{name, "-f"}, {name, "--force-overwrite"}, {"-"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), append(append(attach, flags...), s.URL), nil, &stdout, &stderr); code != exitOK {
			t.Errorf("%q: %d %s", flags, code, &stderr)
		}
	}
	if got := read(t, name); !bytes.Equal(got, aProfile(t)) {
		t.Errorf("%.20q is there", got)
	}
}

// TestAttachNumbers: what a name has for verbs are those of profscope profile.
func TestAttachNumbers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, want := range []string{"x%1.prof", "x%2.prof"} {
		got, err := serverOutput(filepath.Join(dir, "x%%%n.prof"), true)
		if err != nil || got != filepath.Join(dir, want) {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
		if err := os.WriteFile(got, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAttachPlaceGone: what was recorded is not lost with the folder that it was
// for.
func TestAttachPlaceGone(t *testing.T) {
	profile := string(aProfile(t))
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /profiles", answers(`{"profiles":[]}`))
	mux.HandleFunc("POST /start_profile", answers(`{}`))
	mux.HandleFunc("POST /stop_profile", func(w http.ResponseWriter, r *http.Request) {
		if err := os.WriteFile("out", nil, 0o600); err != nil {
			t.Error(err)
		}
		answers(`{"path":"x.prof"}`)(w, r)
	})
	mux.HandleFunc("GET /profiles/x.prof", answers(profile))
	s := httptest.NewServer(mux)
	defer s.Close()
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"attach", "--duration", "0.01", "-o", "out/x.prof", s.URL}, nil, io.Discard, &stderr)
	if code != exitFailed || !strings.Contains(stderr.String(), "what was recorded is in "+filepath.Join(dir, "x.prof")) {
		t.Errorf("%d %s", code, &stderr)
	}
	if _, err := os.Stat("x.prof"); err != nil {
		t.Error(err)
	}
}

// checkUsage runs what is a mistake in the command line.
func checkUsage(t *testing.T, stdin io.Reader, args []string, want string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), args, stdin, &stdout, &stderr)
	if code != exitUsage || stdout.Len() > 0 || !strings.HasPrefix(stderr.String(), "profscope: ") || !strings.Contains(stderr.String(), want) {
		t.Errorf("%q: exit code %d, %d bytes on stdout: %s", args, code, stdout.Len(), &stderr)
	}
}

// TestWrongWords: what a command line has wrong is one exit code, also where the
// file has to be read for it.
func TestWrongWords(t *testing.T) {
	t.Parallel()
	const prof, trace = "testdata/files/scope.prof", "testdata/files/server.trace.gz"
	out := filepath.Join(t.TempDir(), "out")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"convert", "--focus", "(", prof, out + ".prof"}, "--focus: error parsing regexp"},
		{[]string{"convert", "--ignore", "[", trace, out + ".json"}, "--ignore: error parsing regexp"},
		{[]string{"convert", "--sample-type", "foo", prof, out + ".prof"}, `no sample type "foo"`},
		{[]string{"diff", "--sample-type", "foo", prof, prof}, `no sample type "foo"`},
		{[]string{"stats", "--report", "foo", prof}, `has no report "foo"`},
		{[]string{"stats", "--limit", "-5", prof}, "it is a number of rows"},
		{[]string{"top", "--limit", "x", prof}, "it is a number of rows"},
		{[]string{"stats", "--from", "-1s", trace}, ": --from -1s is no window"},
		{[]string{"stats", "--to", "-1s", trace}, ": --to -1s is no window"},
		{[]string{"stats", "--from", "2s", "--to", "1s", trace}, ": --from 2s --to 1s is no window"},
	} {
		checkUsage(t, nil, tt.args, tt.want)
	}
}

// TestWrote: a name speaks to no terminal, and nobody looks at a device.
func TestWrote(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, want := range map[string]string{
		filepath.Join(dir, "x.trace"):           "wrote " + filepath.Join(dir, "x.trace") + ": go tool trace " + filepath.Join(dir, "x.trace"),
		filepath.Join(dir, "\x1b[2J\u202e.txt"): `wrote "` + dir + `/\x1b[2J\u202e.txt": less "`,
		os.DevNull:                              "wrote to " + os.DevNull + "\n",
	} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		var stderr bytes.Buffer
		(&app{stderr: &stderr}).wrote(name, "")
		if got := stderr.String(); !strings.Contains(got, want) || strings.Contains(got, "pprof") {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
