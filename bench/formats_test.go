package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestTorchRepeated: a repetition is the trace once more, later, with ids that
// no other has.
func TestTorchRepeated(t *testing.T) {
	t.Parallel()
	text, err := readTorch(filepath.Join("..", torchFixture))
	if err != nil {
		t.Fatal(err)
	}
	type event struct {
		TS   float64
		ID   int64
		Name string
		Args map[string]any
	}
	read := func(size int64) []event {
		var b bytes.Buffer
		if err := text.write(&b, size); err != nil {
			t.Fatal(err)
		}
		if int64(b.Len()) > max(size, 8e6) {
			t.Errorf("%d bytes, at most %d were asked for", b.Len(), size)
		}
		var trace struct{ TraceEvents []event }
		if err := json.Unmarshal(b.Bytes(), &trace); err != nil {
			t.Fatal(err)
		}
		return trace.TraceEvents
	}
	once, thrice := read(1), read(22e6)
	if len(once) < 20_000 || len(thrice) != 3*len(once) {
		t.Fatalf("%d events, and three times that are %d", len(once), len(thrice))
	}
	correlations := make(map[float64]int)
	for i, e := range thrice {
		k, first := i/len(once), once[i%len(once)]
		if e.Name != first.Name {
			t.Fatalf("event %d is %s, not %s", i, e.Name, first.Name)
		}
		if shift, want := e.TS-first.TS, float64(k)*float64(text.span)/1000; first.TS > 0 && (shift < want-1 || shift > want+1) {
			t.Fatalf("event %d is %v later, want %v", i, shift, want)
		}
		if id, ok := e.Args["correlation"].(float64); ok && id != 0 {
			correlations[id] |= 1 << k
		}
	}
	for id, in := range correlations {
		if in&(in-1) != 0 {
			t.Fatalf("correlation %v is in two repetitions", id)
		}
	}
}

// TestBadInputs are made, and none is what its neighbour is.
func TestBadInputs(t *testing.T) {
	t.Parallel()
	seen := make(map[string]string)
	for _, b := range badInputs() {
		name, err := b.make(t.TempDir(), 100_000)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !b.gzip && len(data) < 100_000 {
			t.Errorf("%s: %d bytes", b.name, len(data))
		}
		if other, twice := seen[string(data)]; twice {
			t.Errorf("%s is %s", b.name, other)
		}
		seen[string(data)] = b.name
	}
}
