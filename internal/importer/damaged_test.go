package importer

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/pprof/profile"
)

// smallest are whole files of each kind, as small as may be.
var smallest = map[string]struct {
	data string
	read func(io.Reader) (*profile.Profile, error)
}{
	"Chrome": {`{"baseTimeNanoseconds":1790857026000000000,"distributedInfo":{"rank":1},"traceEvents":[
{"ph":"X","cat":"python_function","name":"a.py(7): f","pid":1,"tid":2,"ts":1,"dur":20,"args":{"Python id":1,"Python parent id":null}},
{"ph":"X","cat":"cpu_op","name":"aten::mm","pid":1,"tid":2,"ts":2.5,"dur":9,"args":{"External id":5}},
{"ph":"X","cat":"cuda_runtime","name":"cudaLaunchKernel","pid":1,"tid":2,"ts":3,"dur":2,"args":{"correlation":7,"External id":5}},
{"ph":"X","cat":"kernel","name":"k<float>","pid":0,"tid":7,"ts":6,"dur":3.001,"args":{"correlation":7,"External id":5,"device":0,"stream":7,"grid":[1,2,3],"block":[32,1,1]}},
{"ph":"B","name":"b","pid":1,"tid":3,"ts":1},{"ph":"E","pid":1,"tid":3,"ts":4},
{"ph":"b","cat":"c","id":"0x1","name":"async \u00e9","pid":1,"tid":3,"ts":1},{"ph":"e","cat":"c","id":"0x1","name":"async é","pid":1,"tid":4,"ts":4e0}]}`,
		func(r io.Reader) (*profile.Profile, error) {
			c, err := Chrome(r)
			if err != nil {
				return nil, err
			}
			c.Reports()
			Ranks([]*ChromeTrace{c, c})
			return c.Profile(), nil
		}},
	"V8":     {`{"nodes":[{"id":1,"callFrame":{"functionName":"(root)"},"children":[2]},{"id":2,"callFrame":{"functionName":"f","url":"a.js","lineNumber":4}}],"startTime":1000,"endTime":2000,"samples":[2,2],"timeDeltas":[100,200]}`, V8},
	"folded": {"# comment\nmain;work;inner 5\nmain;a\\;b 2.5\n", Folded},
	"pprof":  {"heap profile: 1: 2 [3: 4] @ heapprofile\n 1: 2 [3: 4] @ 0x10 0x20\n", Pprof},
	"cProfile": {"{(\x03\x00\x00\x00z\x04a.pyi\x01\x00\x00\x00z\x01f(\x05\x00\x00\x00i\x02\x00\x00\x00i\x02\x00\x00\x00g\x00\x00\x00\x00\x00\x00\xf0?g\x00\x00\x00\x00\x00\x00\x00@{(\x03\x00\x00\x00z\x01~i\x00\x00\x00\x00z\x01g(\x04\x00\x00\x00i\x02\x00\x00\x00i\x02\x00\x00\x00g\x00\x00\x00\x00\x00\x00\xf0?g\x00\x00\x00\x00\x00\x00\x00@00",
		func(r io.Reader) (*profile.Profile, error) {
			s, err := CProfile(r)
			if err != nil {
				return nil, err
			}
			return s.Profile(), nil
		}},
}

// TestDamaged: cut at any byte, with any bit turned over, with any piece there
// twice or gone, a file is refused with a reason or read as what is left of it.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for kind, file := range smallest {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			try := func(how string, data []byte) {
				t.Helper()
				defer func() {
					if v := recover(); v != nil {
						t.Errorf("%s: panic: %v\n%q", how, v, data)
					}
				}()
				p, err := file.read(bytes.NewReader(data))
				switch {
				case err != nil && strings.TrimSpace(err.Error()) == "":
					t.Errorf("%s: an error without a text", how)
				case err == nil && p.CheckValid() != nil:
					t.Errorf("%s: %v\n%q", how, p.CheckValid(), data)
				}
			}
			data := []byte(file.data)
			if _, err := file.read(bytes.NewReader(data)); err != nil {
				t.Fatal(err)
			}
			for n := range data {
				try(fmt.Sprintf("cut at byte %d", n), data[:n])
				for _, bit := range []int{n % 8, 5} { // 5 is the case of letters
					turned := bytes.Clone(data)
					turned[n] ^= 1 << bit
					try(fmt.Sprintf("bit %d of byte %d", bit, n), turned)
				}
			}
			r := rand.New(rand.NewPCG(1, 2))
			for range 500 {
				a, b, c := r.IntN(len(data)), r.IntN(len(data)), r.IntN(len(data))
				from, to := min(a, b), max(a, b)
				try("a piece gone", append(bytes.Clone(data[:from]), data[to:]...))
				try("a piece twice", append(append(bytes.Clone(data[:c]), data[from:to]...), data[c:]...))
			}
		})
	}
}

// TestWrongValues puts into each place of a trace what does not belong there.
func TestWrongValues(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"Chrome", "V8"} {
		file := smallest[kind]
		for _, wrong := range []string{"NaN", "-1", "18446744073709551616", "1e999", "-9223372036854775808", "9223372036854775807", "null", "true", `"x"`, `""`, "{}", "[]", `{"a":[1]}`, strings.Repeat("[", 1_000_000)} {
			for at, n := 0, 0; at < len(file.data); at++ {
				if file.data[at] != ':' {
					continue
				}
				if n++; len(wrong) > 1000 && n%10 != 0 {
					continue
				}
				end := at + 1
				for end < len(file.data) && !strings.ContainsRune(",}]", rune(file.data[end])) {
					end++
				}
				in := file.data[:at+1] + wrong + file.data[end:]
				p, err := file.read(strings.NewReader(in))
				if err == nil && p.CheckValid() != nil {
					t.Errorf("%s with %.20s at byte %d: %v", kind, wrong, at, p.CheckValid())
				}
			}
		}
	}
}

// TestNotPrinted: what holds itself again and again is not walked through, for
// its error either.
func TestNotPrinted(t *testing.T) {
	t.Parallel()
	// Tuples of ten times the tuple before, sixty times: more leaves than there
	// are atoms.
	var b bytes.Buffer
	b.WriteString("{")
	for i := range 60 {
		b.WriteString("\xa9\x0a")
		if i == 59 {
			b.WriteString(strings.Repeat("N", 10))
		}
	}
	for i := 59; i > 0; i-- {
		for range 9 {
			fmt.Fprintf(&b, "r%c\x00\x00\x00", i)
		}
	}
	b.WriteString("i\x01\x00\x00\x000")
	if _, err := CProfile(&b); err == nil || !strings.Contains(err.Error(), "no function") {
		t.Error(err)
	}
}
