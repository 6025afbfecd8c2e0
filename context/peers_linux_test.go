package context_test

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/pprof"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/pprof/profile"
	"golang.org/x/sys/unix"

	profctx "github.com/profscope/profscope/context"
)

// sigmas is how far a share of n samples may lie from the true one, in
// standard deviations of the binomial distribution: 5 is one false alarm in
// 1.7 million. Samples at a fixed period scatter less than that distribution.
const sigmas = 5

func deviation(p float64, n int64) float64 {
	return sigmas * math.Sqrt(p*(1-p)/float64(n))
}

// threadCPU is the CPU time of the calling thread, read without telling the
// scheduler, whose trace would show a system call.
func threadCPU() time.Duration {
	var ts unix.Timespec
	unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_THREAD_CPUTIME_ID, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}

// burn computes until the thread has had d of CPU time and returns what it had.
//
//go:noinline
func burn(d time.Duration) time.Duration {
	begin := threadCPU()
	for x := uint64(1); ; { // local: -race would look at a global's every access
		for range 5000 {
			x = x*31 + 1
		}
		if had := threadCPU() - begin; had >= d || x == 0 {
			return had
		}
	}
}

//go:noinline
func burnHalf(d time.Duration) time.Duration { return burn(d) }

//go:noinline
func burnThird(d time.Duration) time.Duration { return burn(d) }

//go:noinline
func burnSixth(d time.Duration) time.Duration { return burn(d) }

var burners = []struct {
	name   string
	f      func(time.Duration) time.Duration
	weight time.Duration
}{{"burnHalf", burnHalf, 3}, {"burnThird", burnThird, 2}, {"burnSixth", burnSixth, 1}}

var _ = declare(map[string]func(){
	"known shares": func() {
		f, err := os.Create("theirs.prof")
		must(err)
		must(pprof.StartCPUProfile(f))
		stop := profctx.Start("a.prof")
		runtime.LockOSThread()
		had := make([]time.Duration, len(burners))
		// Turns of many lengths, or the period of the samples might meet that
		// of the program.
		for i := range 60 {
			for j, b := range burners {
				had[j] += b.f(b.weight * time.Duration(2+i%11) * 700 * time.Microsecond)
			}
		}
		runtime.UnlockOSThread()
		must(stop())
		pprof.StopCPUProfile()
		must(f.Close())
		for _, d := range had {
			fmt.Println(int64(d))
		}
	},
})

// TestSharesAgainstPprof runs three functions whose CPU time the thread's own
// clock measures, and compares their shares of the running time with that, and
// with what runtime/pprof says of the same run.
func TestSharesAgainstPprof(t *testing.T) {
	t.Parallel()
	o := meet(t, "known shares", 0)
	var clock [3]float64
	if _, err := fmt.Sscan(o.stdout, &clock[0], &clock[1], &clock[2]); err != nil {
		t.Fatal(err)
	}
	all := clock[0] + clock[1] + clock[2]
	ours := o.profile(t, "a.prof")
	b, err := os.ReadFile(o.dir + "/theirs.prof")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := profile.ParseData(b)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, b := range burners {
		names = append(names, "context_test."+b.name)
	}
	n, running := under(ours, "samples", "", names...), under(ours, "wall", "running", names...)
	m := under(theirs, "samples", "", names...)
	if n < 50 || m < 50 {
		t.Fatalf("%d samples of ours, %d of theirs: too few to compare", n, m)
	}
	for i, name := range names {
		p := clock[i] / all
		want := deviation(p, n)
		share := float64(under(ours, "wall", "running", name)) / float64(running)
		if math.Abs(share-p) > want {
			t.Errorf("%s: %.3f of the running time, the thread's clock says %.3f (+- %.3f)", name, share, p, want)
		}
		their := float64(under(theirs, "samples", "", name)) / float64(m)
		if math.Abs(share-their) > want {
			t.Errorf("%s: %.3f of the running time, runtime/pprof says %.3f (+- %.3f)", name, share, their, want)
		}
	}
	t.Logf("%d samples, %d of runtime/pprof", n, m)
}

// under sums a sample type over the samples in that state (any if empty) that
// have a function on the stack whose name ends like one of the names.
func under(p *profile.Profile, typ, state string, names ...string) (sum int64) {
	i := slices.IndexFunc(p.SampleType, func(v *profile.ValueType) bool { return v.Type == typ })
	for _, s := range p.Sample {
		if state != "" && !slices.Contains(s.Label["state"], state) {
			continue
		}
		if slices.ContainsFunc(s.Location, func(l *profile.Location) bool {
			return slices.ContainsFunc(l.Line, func(ln profile.Line) bool {
				return slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(ln.Function.Name, n) })
			})
		}) {
			sum += s.Value[i]
		}
	}
	return sum
}
