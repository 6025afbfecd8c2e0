package format

import (
	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/internal/ledger"
)

// tree makes the locations and functions of a profile, each once, numbered in
// the order in which the samples need them.
type tree struct {
	stacks  *ledger.Stacks
	p       *profile.Profile
	mapping *profile.Mapping

	byFrame   []*profile.Location // by FrameID; the table's ids are dense
	functions map[functionKey]*profile.Function
	byStack   map[ledger.StackID][]*profile.Location
	none      []*profile.Location
	// arena is what stacks are cut from: a hundred pieces instead of one for
	// each of fifty thousand stacks.
	arena []*profile.Location
	chunk int
}

// functionKey tells functions apart. The start line belongs to it: two
// closures may share a name across versions of a file, and go build -pgo
// counts call sites from it.
type functionKey struct {
	name, file string
	start      int64
}

func newTree(l *ledger.Ledger, p *profile.Profile, entries int) *tree {
	file := l.Program
	if file == "" {
		file = l.Name
	}
	// Without a mapping that has everything already, go tool pprof looks for
	// the program's binary in order to symbolize.
	m := &profile.Mapping{
		ID:              1,
		File:            file,
		HasFunctions:    true,
		HasFilenames:    true,
		HasLineNumbers:  true,
		HasInlineFrames: true,
	}
	p.Mapping = []*profile.Mapping{m}
	return &tree{
		// Ten thousand small profiles must not pay for one large one.
		chunk:     min(32*(entries+1), 1<<14),
		stacks:    l.Stacks,
		p:         p,
		mapping:   m,
		functions: make(map[functionKey]*profile.Function),
		byStack:   make(map[ledger.StackID][]*profile.Location, entries),
	}
}

// locations returns the stack s leaf first, as profile.proto wants it. Every
// frame is a location of its own, inlined ones too: addresses are gone, so
// nothing tells which frames shared one.
func (t *tree) locations(s ledger.StackID) []*profile.Location {
	if s == 0 {
		if t.none == nil {
			t.none = []*profile.Location{t.newLocation(ledger.Frame{Func: noStack})}
		}
		return t.none
	}
	if locs, ok := t.byStack[s]; ok {
		return locs
	}
	depth := t.stacks.Depth(s)
	if len(t.arena) < depth {
		t.arena = make([]*profile.Location, max(depth, t.chunk))
	}
	locs := t.arena[:0:depth]
	t.arena = t.arena[depth:]
	for at := s; at != 0; at = t.stacks.Parent(at) {
		locs = append(locs, t.location(t.stacks.Leaf(at)))
	}
	t.byStack[s] = locs
	return locs
}

func (t *tree) location(id ledger.FrameID) *profile.Location {
	for int(id) >= len(t.byFrame) {
		t.byFrame = append(t.byFrame, make([]*profile.Location, int(id)+1)...)
	}
	loc := t.byFrame[id]
	if loc == nil {
		loc = t.newLocation(t.stacks.FrameOf(id))
		t.byFrame[id] = loc
	}
	return loc
}

func (t *tree) newLocation(f ledger.Frame) *profile.Location {
	k := functionKey{f.Func, f.File, f.StartLine}
	fn := t.functions[k]
	if fn == nil {
		fn = &profile.Function{
			ID:         uint64(len(t.p.Function) + 1),
			Name:       f.Func,
			SystemName: f.Func,
			Filename:   f.File,
			StartLine:  f.StartLine,
		}
		t.functions[k] = fn
		t.p.Function = append(t.p.Function, fn)
	}
	loc := &profile.Location{
		ID:      uint64(len(t.p.Location) + 1),
		Mapping: t.mapping,
		Line:    []profile.Line{{Function: fn, Line: f.Line}},
	}
	t.p.Location = append(t.p.Location, loc)
	return loc
}
