package gotrace_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/gotrace"
	"github.com/profscope/profscope/internal/ledger"
	"github.com/profscope/profscope/internal/wire"
	xtrace "golang.org/x/exp/trace"
)

// nobody is a wire.Handler that wants nothing.
type nobody struct{}

func (nobody) Generation(*wire.Tables)     {}
func (nobody) Transition(*wire.Transition) {}
func (nobody) Log(*wire.Log)               {}
func (nobody) Sample(*wire.Sample)         {}
func (nobody) Assist(*wire.Assist)         {}

// BenchmarkRead is what the analysis of a recording costs, of which one scope
// has all goroutines: by the reader of the running program, alone and with
// attribution, and by x/exp/trace with the same attribution. ns/event is what
// to compare.
func BenchmarkRead(b *testing.B) {
	for _, w := range []struct {
		name string
		run  func()
	}{
		{"switches", func() {
			var wg sync.WaitGroup
			for range 8 {
				c := make(chan int)
				wg.Go(func() {
					for range 5000 {
						c <- 1
					}
					close(c)
				})
				wg.Go(func() {
					for range c {
					}
				})
			}
			wg.Wait()
		}},
		{"short goroutines", func() {
			for range 500 {
				var wg sync.WaitGroup
				for range 50 {
					wg.Go(func() {})
				}
				wg.Wait()
			}
		}},
		{"sleeps", func() {
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					for range 100 {
						time.Sleep(time.Microsecond)
					}
				})
			}
			wg.Wait()
		}},
	} {
		raw := record(b, func(context.Context) { w.run() })
		fold := func() *attrib.Fold {
			t := ledger.NewStacks()
			f := attrib.NewFold(t, func(uint64) *attrib.Door { return nil }, nil)
			f.BeginWhole(&attrib.Door{Ledger: &ledger.Ledger{Stacks: t, Whole: true}}, 0)
			return f
		}
		counter := wire.NewReader(nobody{})
		if err := counter.Feed(raw); err != nil {
			b.Fatal(err)
		}
		events := counter.Counts().Events
		bench := func(name string, f func() error) {
			b.Run(w.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(events), "ns/event")
			})
		}
		bench("wire alone", func() error { return attrib.Read(&source{rest: raw}, nobody{}) })
		bench("wire", func() error { return attrib.Read(&source{rest: raw}, fold()) })
		bench("x/exp/trace", func() error {
			x := gotrace.NewEvents(fold())
			r, err := xtrace.NewReader(bytes.NewReader(raw))
			for err == nil {
				var e xtrace.Event
				if e, err = r.ReadEvent(); err == nil {
					x.Event(&e)
				}
			}
			return nil
		})
	}
}
