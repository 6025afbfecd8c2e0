package format

import "github.com/profscope/profscope/internal/ledger"

// The labels of a sample; -tagfocus, -tagroot and their kin name them.
const (
	labelState   = "state"
	labelReason  = "reason"
	labelRole    = "role"
	labelLatency = "latency"
)

// labels makes the label maps of a profile's samples. Samples share them: the
// encoder only reads, and there are far fewer kinds of labels than samples.
type labels struct {
	stacks  *ledger.Stacks
	byKind  map[kind]map[string][]string
	byClass map[ledger.Class]map[string][]int64
	unit    map[string][]string
}

type kind struct {
	state  ledger.State
	reason ledger.ReasonID
	role   ledger.Role
}

func newLabels(s *ledger.Stacks) *labels {
	return &labels{
		stacks:  s,
		byKind:  make(map[kind]map[string][]string),
		byClass: make(map[ledger.Class]map[string][]int64),
		unit:    map[string][]string{labelLatency: {"nanoseconds"}},
	}
}

func (lb *labels) strings(k ledger.Key) map[string][]string {
	id := kind{k.State, k.Reason, k.Role}
	m := lb.byKind[id]
	if m == nil {
		m = map[string][]string{
			labelState: {k.State.String()},
			labelRole:  {k.Role.String()},
		}
		if k.Reason != 0 {
			m[labelReason] = []string{lb.stacks.ReasonOf(k.Reason)}
		}
		lb.byKind[id] = m
	}
	return m
}

// latency returns the numeric label and its unit, nothing for a call of no
// length or one that had not ended: 0 would read as a fast one.
func (lb *labels) latency(c ledger.Class) (map[string][]int64, map[string][]string) {
	if c == 0 {
		return nil, nil
	}
	m := lb.byClass[c]
	if m == nil {
		m = map[string][]int64{labelLatency: {c.Floor()}}
		lb.byClass[c] = m
	}
	return m, lb.unit
}
