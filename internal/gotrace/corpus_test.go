package gotrace_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/profscope/profscope/internal/gotrace"
	xtrace "golang.org/x/exp/trace"
	"golang.org/x/tools/txtar"
)

// TestFileCorpus reads the traces that Go's own parser is tested with, those of
// all versions since 1.11 too: each is read whole, or damaged or refused where
// x/exp/trace says so itself.
func TestFileCorpus(t *testing.T) {
	t.Parallel()
	traces := corpus(t)
	if len(traces) < 20 {
		t.Skipf("only %d traces: this Go has come without its testdata", len(traces))
	}
	for name, b := range traces {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events, want := upstream(b)
			f, err := readFile(t, b, gotrace.FileOptions{})
			switch {
			case err != nil:
				if want == nil && !strings.Contains(err.Error(), gotrace.ErrNoGoroutine.Error()) {
					t.Errorf("%v; x/exp/trace reads it", err)
				}
				if want != nil && events > 100 {
					t.Errorf("%v; x/exp/trace reads %d events before its error", err, events)
				}
			case want == nil:
				if len(f.Warnings) > 0 {
					t.Errorf("%q; x/exp/trace reads it", f.Warnings)
				}
				if f.Events != events {
					t.Errorf("%d events, x/exp/trace has %d", f.Events, events)
				}
			case len(f.Warnings) == 0:
				t.Errorf("neither an error nor a warning; x/exp/trace: %v", want)
			}
		})
	}
}

// upstream reads as far as x/exp/trace does.
func upstream(b []byte) (events int64, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	r, err := xtrace.NewReader(bytes.NewReader(b))
	if err != nil {
		return 0, err
	}
	for {
		if _, err := r.ReadEvent(); err == io.EOF {
			return events, nil
		} else if err != nil {
			return events, err
		}
		events++
	}
}

// corpus returns the traces in the Go tree and in x/exp.
func corpus(t *testing.T) map[string][]byte {
	t.Helper()
	dir := func(args ...string) string {
		out, err := exec.Command("go", args...).Output()
		if err != nil {
			t.Skip("the go command does not tell where its sources are: ", err)
		}
		return strings.TrimSpace(string(out))
	}
	goroot := filepath.Join(dir("env", "GOROOT"), "src/internal/trace")
	exp := filepath.Join(dir("list", "-m", "-f", "{{.Dir}}", "golang.org/x/exp"), "trace")
	all := make(map[string][]byte)
	for _, pattern := range []string{exp + "/testdata/tests/*.test", goroot + "/testdata/tests/*.test"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			ar, err := txtar.ParseFile(file)
			if err != nil || len(ar.Files) != 2 {
				t.Fatalf("%s: %v, %d files", file, err, len(ar.Files))
			}
			b, err := assemble(string(ar.Files[1].Data))
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			all[filepath.Base(file)] = b
		}
	}
	for _, pattern := range []string{exp + "/testdata/fuzz/FuzzReader/*", goroot + "/testdata/fuzz/FuzzReader/*", goroot + "/internal/tracev1/testdata/*_good"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(string(b), "go test fuzz v1\n") {
				_, quoted, _ := strings.Cut(strings.TrimSpace(string(b)), "[]byte(")
				s, err := strconv.Unquote(strings.TrimSuffix(quoted, ")"))
				if err != nil {
					t.Fatalf("%s: %v", file, err)
				}
				b = []byte(s)
			}
			all[filepath.Base(file)] = b
		}
	}
	return all
}

// wireNames are the events of the wire format, in the order of their types.
var wireNames = strings.Fields(`None EventBatch Stacks Stack Strings String CPUSamples CPUSample Frequency
	ProcsChange ProcStart ProcStop ProcSteal ProcStatus
	GoCreate GoCreateSyscall GoStart GoDestroy GoDestroySyscall GoStop GoBlock GoUnblock
	GoSyscallBegin GoSyscallEnd GoSyscallEndBlocked GoStatus STWBegin STWEnd
	GCActive GCBegin GCEnd GCSweepActive GCSweepBegin GCSweepEnd GCMarkAssistActive GCMarkAssistBegin GCMarkAssistEnd
	HeapAlloc HeapGoal GoLabel UserTaskBegin UserTaskEnd UserRegionBegin UserRegionEnd UserLog
	GoSwitch GoSwitchDestroy GoCreateBlocked GoStatusStack ExperimentalBatch Sync ClockSnapshot EndOfGeneration`)

// assemble makes a trace of its text form: a line an event, its type and its
// arguments in the order of the wire; of a stack, a line a frame; of a
// string, a line with its bytes.
func assemble(text string) ([]byte, error) {
	types := make(map[string]int)
	for i, n := range wireNames {
		types[n] = i
	}
	var out []byte
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if words[0] == "Trace" {
			out = append(out, (strings.ToLower(words[1][:2]) + " " + words[1][2:] + " trace\x00\x00\x00")...)
			continue
		}
		if data, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "data="); ok {
			s, err := strconv.Unquote(data)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", data, err)
			}
			out = binary.AppendUvarint(out, uint64(len(s)))
			out = append(out, s...)
			continue
		}
		if !strings.Contains(words[0], "=") { // else it is a frame
			typ, ok := types[words[0]]
			if !ok {
				return nil, fmt.Errorf("no event %q", words[0])
			}
			out = append(out, byte(typ))
			words = words[1:]
		}
		for _, w := range words {
			_, value, _ := strings.Cut(w, "=")
			v, err := strconv.ParseUint(value, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", w, err)
			}
			out = binary.AppendUvarint(out, v)
		}
	}
	return out, nil
}
