package main

import (
	"context"
	"fmt"
	"path/filepath"
)

var funcScenario = scenario{
	name:  "func",
	title: "A function wrapped by cprofile.Func",
	about: "One call while another scope keeps the recording on, in bursts as above. Common signatures take a path " +
		"without reflection; of any other, the goal is what is added to a bare reflect.MakeFunc of it.",
	drive: driveFunc,
	work:  workFunc,
}

func workFunc(s spec) (r reading, err error) {
	stopOuter, err := startScope(filepath.Join(s.Dir, "outer.prof"))
	if err != nil {
		return r, err
	}
	r.Values = make(map[string]float64)
	onFreshStack(1, func() {
		for _, sig := range signatures(s.Dir) {
			if !sig.common {
				r.Values["bare "+sig.name] = nanosPerCall(s.Window/2, sig.bare)
			}
			r.Values[sig.name] = nanosPerCall(s.Window/2, sig.calls)
		}
	})
	_, err = stopOuter()
	return r, err
}

func driveFunc(ctx context.Context, l *lab) ([]table, error) {
	readings, err := l.measure(ctx, l.rounds, [][]spec{{{Scenario: "func", Mode: modeProfscope, Window: l.window}}})
	if err != nil {
		return nil, err
	}
	rs := readings[0][0]
	t := table{columns: []string{"signature", "call, ns", "bare MakeFunc, ns", "added, ns", "goal", "verdict"}}
	for _, sig := range signatures(l.dir) {
		call := newFigure(single(rs, value(sig.name)))
		if sig.common {
			t.add(sig.name, call.show("%.0f"), "", "", "call <= 450", call.verdict(450))
			continue
		}
		bare := value("bare " + sig.name)
		added := newFigure(single(rs, func(r reading) float64 { return r.Values[sig.name] - bare(r) }))
		t.add(sig.name, call.show("%.0f"), fmt.Sprintf("%.0f", median(single(rs, bare))),
			added.show("%.0f"), "added <= 400", added.verdict(400))
	}
	return []table{t}, nil
}
