package format

import (
	"compress/gzip"
	"fmt"
	"io"
	"sync"

	"github.com/profscope/profscope/internal/ledger"
)

// The sample types of a profile, in the order of their values.
const (
	valueSamples = iota
	valueCPU
	valueWall
	valueBlocked
	valueRunnable
	valueSyscall
	numValues
)

var valueTypes = [numValues]struct{ name, unit string }{
	valueSamples:  {"samples", "count"},
	valueCPU:      {"cpu", "nanoseconds"},
	valueWall:     {"wall", "nanoseconds"},
	valueBlocked:  {"blocked", "nanoseconds"},
	valueRunnable: {"runnable", "nanoseconds"},
	valueSyscall:  {"syscall", "nanoseconds"},
}

// The labels of a sample; -tagfocus, -tagroot and their kin name them.
const (
	labelState   = "state"
	labelReason  = "reason"
	labelRole    = "role"
	labelLatency = "latency"
)

// noStack stands where a time has no stack: pprof drops samples without a
// frame from its reports, and the sums would no longer be the ledger's.
const noStack = "[no stack]"

// Pprof writes l as a gzipped profile.proto, the format of `go tool pprof`
// (https://github.com/google/pprof/blob/main/proto/profile.proto).
//
// The sample types are samples/count, cpu, wall (the default), blocked,
// runnable and syscall, all of them but the first in nanoseconds. cpu is
// samples times [ledger.SamplePeriod], comparable with runtime/pprof; the
// others are exact, and wall is the sum of all states. Each sample has the
// string labels state, role and, where there is one, reason, and the numeric
// label latency in nanoseconds (see [ledger.Class.Floor]).
//
// A ledger without any time gives a valid profile without samples. The error
// is the writer's first one.
//
// The road not taken: github.com/google/pprof/profile would write it too. It
// compiles a dozen regular expressions when a program starts, adds 200 KB to
// each, and wants every stack as pointers, a hundred allocations a sample,
// while somebody's server waits for its file.
func Pprof(w io.Writer, l *ledger.Ledger) error {
	err := zipped(w, func(w io.Writer) error {
		p := newProto(w, l)
		p.write(l)
		return p.err
	})
	if err != nil {
		return fmt.Errorf("writing pprof profile: %w", err)
	}
	return nil
}

// zipped compresses what write writes, and returns w's first error.
func zipped(w io.Writer, write func(io.Writer) error) error {
	s := &sink{w: w}
	// BestSpeed, as runtime/pprof has it: this runs inside somebody's server.
	zw := gzipWriters.Get().(*gzip.Writer)
	defer func() {
		zw.Reset(io.Discard) // the pool shall not keep somebody's file
		gzipWriters.Put(zw)
	}()
	zw.Reset(s)
	err := write(zw)
	if cerr := zw.Close(); err == nil {
		err = cerr
	}
	if s.err != nil {
		err = s.err
	}
	return err
}

// gzipWriters keeps the compressors' tables, nearly a megabyte each, between
// files: ten thousand small ones may be written in a row.
var gzipWriters = sync.Pool{New: func() any {
	zw, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant and valid
	}
	return zw
}}
