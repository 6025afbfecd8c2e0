package ledger

// Frame is one function call of a stack. Two frames are the same frame when
// all their fields are equal.
type Frame struct {
	Func      string // full name, as in runtime.Frame.Function
	File      string
	Line      int64
	StartLine int64 // line of the func keyword; 0 when not known
}

// StackID names a stack of one [Stacks] table. The zero StackID is the empty
// stack.
type StackID uint32

// FrameID names a frame of one [Stacks] table.
type FrameID uint32

// Stacks interns stacks by content. It is a tree: a stack is its caller's
// stack plus one frame, the root being the outermost function. So equal
// frames are equal ids whichever event brought them, a goroutine's stack is
// hung under its creator's by interning its frames below that node, and the
// deepest common ancestor of two stacks is a walk towards the root.
//
// The zero value is not ready; use [NewStacks].
type Stacks struct {
	frames   []Frame
	frameIDs map[Frame]FrameID
	nodes    []node // by StackID; nodes[0] is the root, the empty stack
	children map[edge]StackID
	reasons  []string
	byReason map[string]ReasonID
}

type node struct {
	parent StackID
	frame  FrameID
	depth  int32
}

type edge struct {
	parent StackID
	frame  FrameID
}

// ReasonID names a blocking reason of one [Stacks] table. The zero ReasonID
// is the empty reason.
type ReasonID uint16

// NewStacks returns an empty table.
func NewStacks() *Stacks {
	return &Stacks{
		frameIDs: make(map[Frame]FrameID),
		nodes:    make([]node, 1),
		children: make(map[edge]StackID),
		reasons:  []string{""},
		byReason: map[string]ReasonID{"": 0},
	}
}

// Frame interns f.
func (t *Stacks) Frame(f Frame) FrameID {
	id, ok := t.frameIDs[f]
	if !ok {
		id = FrameID(len(t.frames))
		t.frames = append(t.frames, f)
		t.frameIDs[f] = id
	}
	return id
}

// Push returns the stack that calls f from the stack parent.
func (t *Stacks) Push(parent StackID, f FrameID) StackID {
	e := edge{parent, f}
	id, ok := t.children[e]
	if !ok {
		id = StackID(len(t.nodes))
		t.nodes = append(t.nodes, node{parent, f, t.nodes[parent].depth + 1})
		t.children[e] = id
	}
	return id
}

// Intern returns the stack of the frames, root first.
func (t *Stacks) Intern(root ...Frame) StackID {
	var id StackID
	for _, f := range root {
		id = t.Push(id, t.Frame(f))
	}
	return id
}

// Under returns the stack s hung under the stack parent.
func (t *Stacks) Under(parent, s StackID) StackID {
	if s == 0 {
		return parent
	}
	n := t.nodes[s]
	return t.Push(t.Under(parent, n.parent), n.frame)
}

// Parent returns the caller's stack, and 0 for the empty stack.
func (t *Stacks) Parent(s StackID) StackID { return t.nodes[s].parent }

// Leaf returns the id of the innermost frame; s must not be 0.
func (t *Stacks) Leaf(s StackID) FrameID { return t.nodes[s].frame }

// FrameOf returns the frame that id names.
func (t *Stacks) FrameOf(id FrameID) Frame { return t.frames[id] }

// Depth returns the number of frames of s.
func (t *Stacks) Depth(s StackID) int { return int(t.nodes[s].depth) }

// Frames returns the frames of s, leaf first, the order of pprof.
func (t *Stacks) Frames(s StackID) []Frame {
	fs := make([]Frame, 0, t.nodes[s].depth)
	for ; s != 0; s = t.nodes[s].parent {
		fs = append(fs, t.frames[t.nodes[s].frame])
	}
	return fs
}

// Ancestor returns the deepest common ancestor of a and b: the innermost
// stack that both have gone through.
func (t *Stacks) Ancestor(a, b StackID) StackID {
	for a != b {
		if t.nodes[a].depth >= t.nodes[b].depth {
			a = t.nodes[a].parent
		} else {
			b = t.nodes[b].parent
		}
	}
	return a
}

// Reason interns a blocking reason. A table holds 65,535 of them, many times
// what any runtime has; what comes after that is the empty reason.
func (t *Stacks) Reason(s string) ReasonID {
	id, ok := t.byReason[s]
	if !ok && len(t.reasons) <= 0xffff {
		id = ReasonID(len(t.reasons))
		t.reasons = append(t.reasons, s)
		t.byReason[s] = id
	}
	return id
}

// ReasonOf returns the reason that id names.
func (t *Stacks) ReasonOf(id ReasonID) string { return t.reasons[id] }

// View returns a table that names the same stacks, to be read while t grows:
// what has been interned never changes. Nothing may be interned in it.
func (t *Stacks) View() *Stacks {
	return &Stacks{frames: t.frames, nodes: t.nodes, reasons: t.reasons}
}
