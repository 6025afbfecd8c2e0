//go:build unix

package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/profscope/profscope/internal/convert"
)

// block is what `ulimit -f` counts in.
const block = 512

// TestEveryDestination writes every format to every kind of destination: all
// get the same bytes, and where they do not fit, one sentence names the file
// and what is wrong, and an old file stays whole.
func TestEveryDestination(t *testing.T) {
	t.Parallel()
	profscope, err := exec.LookPath("profscope") // of testscript.Main
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell to limit a file's size with:", err)
	}
	for _, ending := range convert.Outputs {
		t.Run(ending, func(t *testing.T) {
			t.Parallel()
			d := destinations{t: t, profscope: profscope, ending: ending, dir: t.TempDir()}
			want := d.file()
			d.stdout(want)
			d.fifo(want)
			d.full(0)
			if half := len(want) / 2 / block; half > 0 {
				d.full(half)
			}
			d.brokenPipe()
			d.deviceFull()
		})
	}
}

type destinations struct {
	t                      *testing.T
	profscope, ending, dir string
}

const destinationsInput = "testdata/files/server.trace.gz"

func (d *destinations) command(out string) *exec.Cmd {
	return exec.CommandContext(d.t.Context(), d.profscope, "convert", "--format", strings.TrimPrefix(d.ending, "."), destinationsInput, out)
}

// run runs cmd, which must succeed.
func (d *destinations) run(cmd *exec.Cmd) {
	d.t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		d.t.Fatalf("%v: %v: %s", cmd.Args, err, &stderr)
	}
}

// fails runs cmd, which must end with code 1 and one sentence that has the
// words.
func (d *destinations) fails(cmd *exec.Cmd, words ...string) {
	d.t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	_ = cmd.Run()
	if code := cmd.ProcessState.ExitCode(); code != 1 || strings.Count(stderr.String(), "\n") != 1 {
		d.t.Errorf("%v: code %d: %s", cmd.Args, code, &stderr)
	}
	for _, w := range words {
		if !strings.Contains(stderr.String(), w) {
			d.t.Errorf("%v: %q lacks %q", cmd.Args, &stderr, w)
		}
	}
}

func (d *destinations) file() []byte {
	name := filepath.Join(d.dir, "file"+d.ending)
	d.run(d.command(name))
	b, err := os.ReadFile(name)
	if err != nil || len(b) == 0 {
		d.t.Fatalf("%d bytes, %v", len(b), err)
	}
	return b
}

func (d *destinations) stdout(want []byte) {
	cmd := d.command("-")
	var got bytes.Buffer
	cmd.Stdout = &got
	d.run(cmd)
	if !bytes.Equal(got.Bytes(), want) {
		d.t.Errorf("%d bytes on standard output, %d in the file", got.Len(), len(want))
	}
}

func (d *destinations) fifo(want []byte) {
	name := filepath.Join(d.dir, "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		d.t.Fatal(err)
	}
	// Without a reader, which an error tells instead of waiting for one.
	d.fails(d.command(name), name)

	// O_RDWR does not wait for a writer.
	hold, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	r, err := os.Open(name)
	if err != nil {
		d.t.Fatal(err)
	}
	got := make(chan []byte)
	go func() {
		b, _ := io.ReadAll(r)
		got <- b
	}()
	d.run(d.command(name))
	hold.Close() // the last writer: the reader sees the end
	if b := <-got; !bytes.Equal(b, want) {
		d.t.Errorf("%d bytes in the FIFO, %d in the file", len(b), len(want))
	}
	r.Close()
}

// full lets files grow to so many blocks.
func (d *destinations) full(blocks int) {
	dir := filepath.Join(d.dir, fmt.Sprintf("full at %d", blocks))
	if err := os.Mkdir(dir, 0o700); err != nil {
		d.t.Fatal(err)
	}
	name := filepath.Join(dir, "old"+d.ending)
	if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
		d.t.Fatal(err)
	}
	cmd := d.command(name)
	cmd.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -f %d; exec "$@"`, blocks), "sh"}, append([]string{cmd.Path}, cmd.Args[1:]...)...)
	sh, err := exec.LookPath("sh")
	if err != nil {
		d.t.Fatal(err)
	}
	cmd.Path = sh
	d.fails(cmd, name, "file too large")
	if b, err := os.ReadFile(name); string(b) != "old" {
		d.t.Errorf("the old file is %q, %v", b, err)
	}
	if entries, err := os.ReadDir(dir); len(entries) != 1 {
		d.t.Errorf("left behind: %v, %v", entries, err)
	}
}

// brokenPipe writes to a pipe that nobody reads any more.
func (d *destinations) brokenPipe() {
	r, w, err := os.Pipe()
	if err != nil {
		d.t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	cmd := d.command("-")
	cmd.Stdout = w
	d.fails(cmd, "standard output", "broken pipe")
}

func (d *destinations) deviceFull() {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		return // not on every Unix
	}
	defer full.Close()
	cmd := d.command("-")
	cmd.Stdout = full
	d.fails(cmd, "standard output", "no space left")
	d.fails(d.command("/dev/full"), "/dev/full", "no space left")
}
