package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

var manyScenario = scenario{
	name:  "many",
	title: "Many scopes and many destinations",
	about: "1,000 scopes open at once, each a goroutine and a file of its own; and 10,000 calls of one name with %n, " +
		"one after the other, each a file of its own. Memory of a scope is live heap and resident memory, over one " +
		"open scope. It works when all files are there.",
	drive: driveMany,
	work:  workMany,
}

const (
	manyOpen  = "1,000 open at once"
	manyFiles = "10,000 files"
)

func workMany(s spec) (r reading, err error) {
	small := s.Window < 100*time.Millisecond // the smoke test's
	n := map[string]int{manyOpen: 1000, manyFiles: 10_000}[s.Variant]
	if small {
		n /= 100
	}
	watch, err := startWatch()
	if err != nil {
		return r, err
	}
	r.Values = make(map[string]float64)
	if s.Variant == manyOpen {
		err = openMany(s.Dir, n, r.Values)
	} else {
		err = writeMany(s.Dir, n)
	}
	if err != nil {
		return r, err
	}
	if err := flush(); err != nil {
		return r, err
	}
	if err := watch.into(&r); err != nil {
		return r, err
	}
	r.Ops = int64(n)
	files, err := filepath.Glob(filepath.Join(s.Dir, "many*.prof"))
	if err != nil {
		return r, err
	}
	for _, f := range files {
		size, err := fileSize(f)
		if err != nil {
			return r, err
		}
		r.Bytes += size
	}
	r.Values["files"] = float64(len(files))
	return r, nil
}

func openMany(dir string, n int, values map[string]float64) error {
	open := make(chan error)
	closed := make(chan error)
	end := make(chan struct{})
	scope := func(i int) {
		stop, err := startScope(filepath.Join(dir, fmt.Sprintf("many%04d.prof", i)))
		open <- err
		if err != nil {
			return
		}
		<-end
		_, err = stop()
		closed <- err
	}
	var heap, rss [2]float64
	for i := range n {
		go scope(i)
		if err := <-open; err != nil {
			return err
		}
		if i == 0 || i == n-1 {
			k := min(i, 1)
			var err error
			if heap[k], rss[k], err = memory(); err != nil {
				return err
			}
		}
	}
	values["heap"] = (heap[1] - heap[0]) / float64(n-1)
	values["rss"] = (rss[1] - rss[0]) / float64(n-1)
	began := time.Now()
	close(end)
	for range n {
		if err := <-closed; err != nil {
			return err
		}
	}
	values["end"] = time.Since(began).Seconds() * 1e3
	return nil
}

func writeMany(dir string, n int) error {
	for range n {
		stop, err := startScope(filepath.Join(dir, "many%n.prof"))
		if err != nil {
			return err
		}
		if _, err := stop(); err != nil {
			return err
		}
	}
	return nil
}

// memory returns live heap and resident memory in KiB.
func memory() (heap, rss float64, err error) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	n, err := resident()
	return float64(m.HeapAlloc) / 1024, float64(n) / 1024, err
}

func driveMany(ctx context.Context, l *lab) ([]table, error) {
	if _, err := os.Stat(l.dir); err != nil {
		return nil, err
	}
	variants := []string{manyOpen, manyFiles}
	var cells [][]spec
	for _, v := range variants {
		cells = append(cells, []spec{{Scenario: "many", Mode: modeProfscope, Variant: v, Window: l.window, Once: true}})
	}
	readings, err := l.measure(ctx, min(l.rounds, 3), cells)
	if err != nil {
		return nil, err
	}
	t := table{columns: []string{"what", "files", "goal", "verdict", "wall, s", "CPU, s", "file, KiB",
		"heap a scope, KiB", "resident a scope, KiB", "all ended in, ms"}}
	for c, v := range variants {
		rs := readings[c][0]
		want := median(single(rs, func(r reading) float64 { return float64(r.Ops) }))
		files := newFigure(single(rs, value("files")))
		verdict := "missed"
		if files.n > 0 && files.least == want && files.most == want {
			verdict = "met"
		}
		row := []any{v, fmt.Sprintf("%.0f", files.mid), fmt.Sprintf("%.0f", want), verdict,
			newFigure(single(rs, func(r reading) float64 { return r.Wall.Seconds() })).show("%.2f"),
			newFigure(single(rs, func(r reading) float64 { return r.CPU.Seconds() })).show("%.2f"),
			newFigure(single(rs, func(r reading) float64 { return float64(r.Bytes) / 1024 / float64(r.Ops) })).show("%.1f"),
			"", "", ""}
		if v == manyOpen {
			row[7] = newFigure(single(rs, value("heap"))).show("%.1f")
			row[8] = newFigure(single(rs, value("rss"))).show("%.1f")
			row[9] = newFigure(single(rs, value("end"))).show("%.0f")
		}
		t.add(row...)
	}
	return []table{t}, nil
}
