package format

import (
	"compress/gzip"
	"fmt"
	"io"
	"sync"

	"github.com/google/pprof/profile"

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
func Pprof(w io.Writer, l *ledger.Ledger) error {
	if err := compressed(w, newProfile(l)); err != nil {
		return fmt.Errorf("writing pprof profile: %w", err)
	}
	return nil
}

func compressed(w io.Writer, p *profile.Profile) error {
	s := &sink{w: w}
	// profile.Write drops the error of closing its gzip writer, and with it
	// the loss of everything that was still buffered. BestSpeed, as
	// runtime/pprof has it: this runs inside somebody's server.
	zw := gzipWriters.Get().(*gzip.Writer)
	defer func() {
		zw.Reset(io.Discard) // the pool shall not keep somebody's file
		gzipWriters.Put(zw)
	}()
	zw.Reset(s)
	err := p.WriteUncompressed(zw)
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

func newProfile(l *ledger.Ledger) *profile.Profile {
	entries, guessed := l.Book.ShareOut()
	p := &profile.Profile{
		SampleType: []*profile.ValueType{
			valueSamples:  {Type: "samples", Unit: "count"},
			valueCPU:      {Type: "cpu", Unit: "nanoseconds"},
			valueWall:     {Type: "wall", Unit: "nanoseconds"},
			valueBlocked:  {Type: "blocked", Unit: "nanoseconds"},
			valueRunnable: {Type: "runnable", Unit: "nanoseconds"},
			valueSyscall:  {Type: "syscall", Unit: "nanoseconds"},
		},
		DefaultSampleType: "wall",
		PeriodType:        &profile.ValueType{Type: "cpu", Unit: "nanoseconds"},
		Period:            int64(ledger.SamplePeriod),
		DurationNanos:     l.Elapsed,
		Comments:          comments(l, sampled(l.Stacks, entries, guessed)),
	}
	if !l.Start.IsZero() {
		p.TimeNanos = l.Start.UnixNano()
	}
	t := newTree(l, p, len(entries))
	lb := newLabels(l.Stacks)

	// One allocation each for what every sample has: at 50,000 samples the
	// garbage collector of the host would notice.
	samples := make([]profile.Sample, len(entries))
	values := make([]int64, numValues*len(entries))
	p.Sample = make([]*profile.Sample, len(entries))
	for i := range entries {
		e := &entries[i]
		v := values[i*numValues : (i+1)*numValues : (i+1)*numValues]
		v[valueSamples] = e.Samples
		v[valueCPU] = e.Samples * int64(ledger.SamplePeriod)
		v[valueWall] = e.Nanos
		switch e.State {
		case ledger.Blocked:
			v[valueBlocked] = e.Nanos
		case ledger.Runnable:
			v[valueRunnable] = e.Nanos
		case ledger.Syscall:
			v[valueSyscall] = e.Nanos
		}
		s := &samples[i]
		s.Value = v
		s.Location = t.locations(e.Stack)
		s.Label = lb.strings(e.Key)
		s.NumLabel, s.NumUnit = lb.latency(e.Class)
		p.Sample[i] = s
	}
	return p
}
