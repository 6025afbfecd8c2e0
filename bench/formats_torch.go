package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
)

// torchFixture is a real trace of torch.profiler, of seven megabytes.
const torchFixture = "internal/importer/testdata/torch_trace.json.gz"

// torchText is a torch trace as text that can be repeated: what comes before
// the events, and the events, taken apart where numbers change.
type torchText struct {
	head, tail string
	pieces     []torchPiece
	span       int64 // nanoseconds from the first event to the last
}

// torchPiece is text and the number that follows it.
type torchPiece struct {
	text string
	kind byte // 't': a time in microseconds, 'i': an id, 0: none
	n    int64
}

// torchNumbers finds what differs from one repetition to the next. Ids of one
// event are in its args, and those of arrows are their own.
var torchNumbers = regexp.MustCompile(`"(ts|External id|correlation|Python id|Python parent id|id)": ([0-9]+)(\.[0-9]+)?`)

func readTorch(name string) (*torchText, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open the torch trace that is repeated (run from the root of the module): %w", err)
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(zr)
	if err != nil {
		return nil, err
	}
	const opening = `"traceEvents": [`
	begin := bytes.Index(b, []byte(opening))
	end := bytes.LastIndexByte(b, ']')
	if begin < 0 || end < begin {
		return nil, errors.New("the torch trace has no list of events")
	}
	begin += len(opening)
	t := &torchText{head: string(b[:begin]), tail: string(b[end:])}
	events := b[begin:end]
	var first, last int64
	at := 0
	for _, m := range torchNumbers.FindAllSubmatchIndex(events, -1) {
		p := torchPiece{text: string(events[at:m[4]]), kind: 'i'}
		if p.n, err = strconv.ParseInt(string(events[m[4]:m[5]]), 10, 64); err != nil {
			return nil, err
		}
		at = m[5]
		if string(events[m[2]:m[3]]) == "ts" {
			p.kind, p.n = 't', p.n*1000
			if m[6] >= 0 {
				fraction := (string(events[m[6]+1:m[7]]) + "000")[:3]
				n, err := strconv.ParseInt(fraction, 10, 64)
				if err != nil {
					return nil, err
				}
				p.n += n
				at = m[7]
			}
			if p.n > 0 { // metadata has 0
				if first == 0 || p.n < first {
					first = p.n
				}
				last = max(last, p.n)
			}
		}
		t.pieces = append(t.pieces, p)
	}
	t.pieces = append(t.pieces, torchPiece{text: string(events[at:])})
	t.span = last - first + 20_000_000
	return t, nil
}

// idStep is more than any id of the fixture.
const idStep = 1_000_000

// write writes as many repetitions as size bytes have room for, one at least:
// each later than the one before, with ids of its own.
func (t *torchText) write(w io.Writer, size int64) error {
	bw := bufio.NewWriterSize(w, 1<<20)
	bw.WriteString(t.head) // bufio keeps the first error
	var num []byte
	for k, n, one := int64(0), int64(0), int64(0); k == 0 || n+one <= size; k++ {
		before := n
		if k > 0 {
			bw.WriteByte(',')
		}
		for _, p := range t.pieces {
			bw.WriteString(p.text)
			num = num[:0]
			switch p.kind {
			case 't':
				v := p.n
				if v > 0 {
					v += k * t.span
				}
				num = fmt.Appendf(num, "%d.%03d", v/1000, v%1000)
			case 'i':
				v := p.n
				if v > 0 {
					v += k * idStep
				}
				num = strconv.AppendInt(num, v, 10)
			}
			bw.Write(num)
			n += int64(len(p.text) + len(num))
		}
		one = n - before
	}
	bw.WriteString(t.tail)
	return bw.Flush()
}
