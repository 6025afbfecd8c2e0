package cprofile_test

import (
	"path/filepath"
	"testing"

	"github.com/profscope/profscope/cprofile"
)

// BenchmarkDisabled is the price of a handle that is switched off.
func BenchmarkDisabled(b *testing.B) {
	p := cprofile.New(filepath.Join(b.TempDir(), "off.prof"), cprofile.Enabled(false))
	for b.Loop() {
		_ = p.Start().Stop()
	}
}

// BenchmarkHandle is the price of a scope while a recording runs.
func BenchmarkHandle(b *testing.B) {
	p := cprofile.New(filepath.Join(b.TempDir(), "on.prof"))
	keep := p.Start() // the recording stays up
	defer keep.Stop()
	b.ReportAllocs()
	for b.Loop() {
		_ = p.Start().Stop()
	}
}
