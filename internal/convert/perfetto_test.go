package convert

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// field is one field of a protobuf message, read without our encoder.
type field struct {
	number int
	value  uint64
	bytes  []byte
}

func fields(t testing.TB, b []byte) (fs []field) {
	t.Helper()
	for len(b) > 0 {
		tag, n := binary.Uvarint(b)
		if n <= 0 {
			t.Fatal("a tag is cut")
		}
		b = b[n:]
		f := field{number: int(tag >> 3)}
		switch tag & 7 {
		case 0:
			f.value, n = binary.Uvarint(b)
			b = b[n:]
		case 1:
			f.value = binary.LittleEndian.Uint64(b)
			b = b[8:]
		case 2:
			size, n := binary.Uvarint(b)
			f.bytes = b[n : n+int(size)]
			b = b[n+int(size):]
		default:
			t.Fatalf("wire type %d", tag&7)
		}
		fs = append(fs, f)
	}
	return fs
}

// TestPerfettoAddsUp is the same for Perfetto, and that every name and stack
// is there before it is used.
func TestPerfettoAddsUp(t *testing.T) {
	t.Parallel()
	for _, name := range traces(t) {
		got := map[string]int64{}
		known := map[int]map[uint64]string{}
		tracks := map[uint64]bool{}
		type begun struct {
			at       uint64
			category string
		}
		open := map[uint64][]begun{}
		clocks := 0
		for i, packet := range fields(t, draw(t, name, ".pftrace")) {
			if packet.number != 1 {
				t.Fatalf("field %d at the top", packet.number)
			}
			var at, kind, track, category, nameID, stack uint64
			var flags, sequence uint64
			for _, f := range fields(t, packet.bytes) {
				switch f.number {
				case 6:
					clocks++
				case 8:
					at = f.value
				case 10:
					sequence = f.value
				case 13:
					flags = f.value
				case 60:
					for _, d := range fields(t, f.bytes) {
						if d.number == 1 {
							if tracks[d.value] || d.value == 0 {
								t.Errorf("track %d twice", d.value)
							}
							tracks[d.value] = true
						}
						if d.number == 5 && !tracks[d.value] {
							t.Errorf("parent %d comes after its child", d.value)
						}
					}
				case 12:
					for _, entry := range fields(t, f.bytes) {
						if known[entry.number] == nil {
							known[entry.number] = map[uint64]string{}
						}
						var id uint64
						var text string
						for _, x := range fields(t, entry.bytes) {
							switch x.number {
							case 1:
								id = x.value
							case 2:
								text = string(x.bytes)
							}
						}
						if _, twice := known[entry.number][id]; twice || id == 0 {
							t.Errorf("kind %d: id %d twice", entry.number, id)
						}
						known[entry.number][id] = text
					}
				case 11:
					for _, x := range fields(t, f.bytes) {
						switch x.number {
						case 9:
							kind = x.value
						case 11:
							track = x.value
						case 3:
							category = x.value
						case 10:
							nameID = x.value
						case 56:
							stack = x.value
						}
					}
				}
			}
			if sequence == 0 || (i == 0) != (flags == 1) {
				t.Fatalf("packet %d: sequence %d, flags %d", i, sequence, flags)
			}
			if kind == 0 {
				continue
			}
			if clocks != 1 {
				t.Fatalf("%s: an event after %d snapshots of the clock: the viewer needs one", name, clocks)
			}
			if !tracks[track] {
				t.Errorf("an event on track %d, which is not declared", track)
			}
			check := func(table int, id uint64) {
				if id != 0 {
					if _, ok := known[table][id]; !ok {
						t.Errorf("kind %d: id %d is used before it is there", table, id)
					}
				}
			}
			check(1, category)
			check(2, nameID)
			check(7, stack)
			switch kind {
			case 1:
				open[track] = append(open[track], begun{at, known[1][category]})
				if len(open[track]) > 1 {
					t.Errorf("two slices are open on track %d", track)
				}
			case 2:
				last := len(open[track]) - 1
				if last < 0 {
					t.Fatalf("an end without a begin on track %d", track)
				}
				b := open[track][last]
				open[track] = open[track][:last]
				if b.at > at {
					t.Errorf("a slice ends at %d, before its begin at %d", at, b.at)
				}
				if isState(b.category) && at > b.at {
					got[b.category] += int64(at - b.at)
				}
			}
		}
		if want := states(t, name); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, the ledger has %v", name, got, want)
		}
	}
}

// TestPerfettoSize: names and stacks are written once.
func TestPerfettoSize(t *testing.T) {
	t.Parallel()
	for _, name := range traces(t) {
		pf, js := len(draw(t, name, ".pftrace")), len(draw(t, name, ".json"))
		if pf > js/2 {
			t.Errorf("%s: %d bytes for Perfetto, %d as JSON", name, pf, js)
		}
	}
}

// TestProtoc decodes with a schema written from Perfetto's own numbers, by
// a decoder that is not ours.
func TestProtoc(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("protoc"); err != nil {
		t.Skip("protoc is not installed (Debian: protobuf-compiler)")
	}
	cmd := exec.Command("protoc", "--decode=Trace", "-Itestdata", "testdata/perfetto.proto")
	cmd.Stdin = bytes.NewReader(draw(t, traces(t)[4], ".pftrace"))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`name: "main.worker"`, `blocked: sleep`, `function_name_id:`, "perf_sample {", "clock_snapshot {"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("protoc shows no %q", want)
		}
	}
	for line := range bytes.Lines(out) {
		if f := strings.TrimSpace(string(line)); f != "" && f[0] >= '0' && f[0] <= '9' {
			t.Errorf("a field that the schema has not: %s", f)
		}
	}
}
