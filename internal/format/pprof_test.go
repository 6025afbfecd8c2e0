package format

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/ledger"
)

func encode(t testing.TB, l *ledger.Ledger) ([]byte, *profile.Profile) {
	t.Helper()
	var b bytes.Buffer
	if err := Pprof(&b, l); err != nil {
		t.Fatal(err)
	}
	p, err := profile.ParseData(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.CheckValid(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), p
}

func TestPprofGolden(t *testing.T) {
	for name, l := range samplesOf() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, p := encode(t, l)
			golden(t, name+".pprof.golden", []byte(p.String()))
		})
	}
}

// conserved holds a decoded profile against the ledger it came from: every
// role and state has its time and every sample is there.
func conserved(t *testing.T, l *ledger.Ledger, p *profile.Profile) {
	t.Helper()
	var got ledger.Totals
	var samples, wantSamples int64
	for _, s := range p.Sample {
		v := s.Value
		if len(s.Location) == 0 {
			t.Fatal("a sample without a location")
		}
		var r, st int
		for r = range ledger.NumRoles {
			if ledger.Role(r).String() == s.Label[labelRole][0] {
				break
			}
		}
		for st = range ledger.NumStates {
			if ledger.State(st).String() == s.Label[labelState][0] {
				break
			}
		}
		got[r][st] += v[valueWall]
		samples += v[valueSamples]
		if v[valueCPU] != v[valueSamples]*int64(ledger.SamplePeriod) {
			t.Errorf("cpu %d of %d samples", v[valueCPU], v[valueSamples])
		}
		for i, state := range map[int]ledger.State{valueBlocked: ledger.Blocked, valueRunnable: ledger.Runnable, valueSyscall: ledger.Syscall} {
			want := int64(0)
			if ledger.State(st) == state {
				want = v[valueWall]
			}
			if v[i] != want {
				t.Errorf("%s %d in a sample of %v with wall %d", p.SampleType[i].Type, v[i], ledger.State(st), v[valueWall])
			}
		}
		if n := s.NumLabel[labelLatency]; n != nil && (n[0] <= 0 || n[0]&(n[0]-1) != 0 || s.NumUnit[labelLatency][0] != "nanoseconds") {
			t.Errorf("latency %v %v", n, s.NumUnit[labelLatency])
		}
	}
	if want := l.Book.Totals(); got != want {
		t.Errorf("totals %v, want %v", got, want)
	}
	for _, e := range l.Book.Entries() {
		wantSamples += e.Samples
	}
	if samples != wantSamples {
		t.Errorf("%d samples, want %d", samples, wantSamples)
	}
	if p.DurationNanos != l.Elapsed {
		t.Errorf("duration %d, want %d", p.DurationNanos, l.Elapsed)
	}
}

func TestPprofConservation(t *testing.T) {
	t.Parallel()
	for _, l := range samplesOf() {
		_, p := encode(t, l)
		conserved(t, l, p)
	}
}

func FuzzPprofConservation(f *testing.F) {
	f.Add(uint64(1), uint16(0), uint8(3))
	f.Add(uint64(2), uint16(1), uint8(0))
	f.Add(uint64(3), uint16(500), uint8(20))
	f.Fuzz(func(t *testing.T, seed uint64, n uint16, depth uint8) {
		l := random(seed, int(n%2000), int(depth))
		b, p := encode(t, l)
		conserved(t, l, p)
		if again, _ := encode(t, random(seed, int(n%2000), int(depth))); !bytes.Equal(b, again) {
			t.Error("the same ledger gave other bytes")
		}
		if err := Table(io.Discard, l, TableOptions{Width: int(n % 300)}); err != nil {
			t.Error(err)
		}
	})
}

func TestPprofDeterminism(t *testing.T) {
	t.Parallel()
	first, _ := encode(t, everything())
	for range 5 {
		if again, _ := encode(t, everything()); !bytes.Equal(first, again) {
			t.Fatal("the same ledger gave other bytes")
		}
	}
}

func TestPprofWriterFails(t *testing.T) {
	t.Parallel()
	l := guessedOnly()
	whole, _ := encode(t, l)
	for n := range len(whole) {
		if err := Pprof(&brittle{left: n}, l); !errors.Is(err, errFull) {
			t.Fatalf("writer full after %d of %d bytes: %v", n, len(whole), err)
		}
		if err := Pprof(&brittle{left: n, short: true}, l); !errors.Is(err, io.ErrShortWrite) {
			t.Fatalf("writer short after %d of %d bytes: %v", n, len(whole), err)
		}
	}
	if err := Pprof(&brittle{left: len(whole)}, l); err != nil {
		t.Fatal(err)
	}
	// What is larger than the compressor's buffer fails early as well as late.
	large := random(5, 3000, 20)
	whole, _ = encode(t, large)
	for n := 0; n < len(whole); n += len(whole) / 17 {
		if err := Pprof(&brittle{left: n}, large); !errors.Is(err, errFull) {
			t.Fatalf("writer full after %d of %d bytes: %v", n, len(whole), err)
		}
	}
}

// goTool runs the go command without a network and without reading a user's
// settings.
func goTool(t *testing.T, dir string, args ...string) string {
	t.Helper()
	goCmd, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to read the profile with:", err)
	}
	cmd := exec.Command(goCmd, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOPROXY=off", "GOWORK=off", "PPROF_TMPDIR="+t.TempDir(), "HOME="+t.TempDir(), "GOCACHE="+goCache(t))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func goCache(t *testing.T) string {
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Skip("no go command to read the profile with:", err)
	}
	return strings.TrimSpace(string(out))
}

func TestGoToolPprof(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs go tool pprof")
	}
	dir := t.TempDir()
	for name, l := range samplesOf() {
		b, _ := encode(t, l)
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		why  string
		args []string
		want []string
		not  string
	}{
		{"wall is the default, the file brings its symbols and its scope's program", []string{"-top", "typical"},
			[]string{"Type: wall", "File: shop", "time.Sleep", "Duration: 612ms, Total samples = 1052.32ms"}, "[no stack]"},
		{"a profile without samples opens", []string{"-top", "empty"}, []string{"Type: wall", "0% of 0 total"}, ""},
		{"one sample", []string{"-top", "-sample_index=cpu", "one_sample"}, []string{"10ms", "main.once"}, ""},
		{"the empty stack has a name", []string{"-top", "guessed"}, []string{"777ns", "[no stack]"}, ""},
		{"reasons as roots", []string{"-top", "-cum", "-tagroot=reason", "typical"}, []string{"network", "sleep"}, ""},
		{"own goroutine alone", []string{"-top", "-tagfocus=role=self", "typical"}, []string{"612ms", "time.Sleep"}, "sha256"},
		{"slow calls: 188 ms lie in the class of 134", []string{"-top", "-tagfocus=latency=100ms:", "typical"}, []string{"time.Sleep"}, ""},
		{"no call of half a second", []string{"-top", "-tagfocus=latency=500ms:", "typical"}, nil, "time.Sleep"},
		{"labels and lines", []string{"-raw", "typical"}, []string{"latency:[134217728 nanoseconds]", "main.fib /src/work.go:66:0 s=56"}, ""},
		{"comments", []string{"-comments", "everything"}, []string{"calls: 700/22", "kept: 17 of 22", "unfinished: 2 calls"}, ""},
		{"compared with itself", []string{"-top", "-diff_base=typical", "typical"}, []string{"Type: wall"}, ""},
	} {
		out := goTool(t, dir, append([]string{"tool", "pprof"}, c.args...)...)
		for _, w := range c.want {
			if !strings.Contains(out, w) {
				t.Errorf("%s: go tool pprof %v lacks %q:\n%s", c.why, c.args, w, out)
			}
		}
		if c.not != "" && strings.Contains(out, c.not) {
			t.Errorf("%s: go tool pprof %v has %q:\n%s", c.why, c.args, c.not, out)
		}
	}
}

// The compiler inlines hot, and says so, only if it accepts the profile.
func TestProfileGuidedBuild(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("runs go build")
	}
	dir := t.TempDir()
	const src = `package main

func main() {
	s := 0
	for i := range 1000 {
		s += hot(i)
	}
	println(s)
}

func hot(i int) int {
	s := 0
	for j := range 10 {
		switch (i + j) % 7 {
		case 0: s += i*j + other(s, j) + other(i, s)
		case 1: s -= i/(j+1) + other(j, j)
		case 2: s ^= i<<3 + other(s, s) + other(j, i)
		case 3: s |= i>>2 + other(i, i)
		}
	}
	return s
}

//go:noinline
func other(a, b int) int { return a + b }
`
	b := newBuilder("main.main")
	b.call(3 * 1000 * ms)
	at := func(name string, line, start int64) ledger.Frame {
		return ledger.Frame{Func: name, File: filepath.Join(dir, "main.go"), Line: line, StartLine: start}
	}
	b.book(ledger.Self, ledger.Running, "", b.l.Stacks.Intern(at("main.main", 6, 3), at("main.hot", 15, 11)), 3*1000*ms, 300, 32)
	prof, _ := encode(t, b.l)
	for name, data := range map[string][]byte{"main.go": []byte(src), "go.mod": []byte("module x\n\ngo 1.26\n"), "x.prof": prof} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := goTool(t, dir, "build", "-pgo=x.prof", "-gcflags=-d=pgodebug=1", "-o", "x.exe", ".")
	if !strings.Contains(out, "hot-node enabled increased budget=2000 for func=main.hot") {
		t.Errorf("the profile did not make main.hot hot:\n%s", out)
	}
}

// A large ledger is encoded in a time that a server does not notice. No time
// is asserted, machines are shared: the benchmark tells it.
func BenchmarkPprof(b *testing.B) {
	l := random(7, 50_000, 80) // 40 deep on average
	b.ReportAllocs()
	for b.Loop() {
		if err := Pprof(io.Discard, l); err != nil {
			b.Fatal(err)
		}
	}
}

func TestStartUnset(t *testing.T) {
	t.Parallel()
	l := empty()
	l.Start = time.Time{}
	if _, p := encode(t, l); p.TimeNanos != 0 {
		t.Errorf("a ledger that never began is dated %d", p.TimeNanos)
	}
}
