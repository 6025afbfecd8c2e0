package attrib

import (
	"math"
	"slices"
	"testing"

	"github.com/profscope/profscope/internal/ledger"
)

// TestOrders: what comes from a map is in order, on machines too where an int
// holds half of an id or of a time.
func TestOrders(t *testing.T) {
	values := []int64{1, 2, 1 << 31, 1 << 32, 1<<32 + 1, 3 << 32, math.MaxInt64}
	f := NewFold(ledger.NewStacks(), nil, nil)
	for _, v := range values {
		f.gs.Put(v, &goroutine{id: v})
		f.whole = append(f.whole, &Call{Begin: v})
	}
	slices.Reverse(f.whole)
	var ids, begins []int64
	for _, g := range f.sorted() {
		ids = append(ids, g.id)
	}
	for _, c := range f.openCalls(nil) {
		begins = append(begins, c.Begin)
	}
	if !slices.Equal(ids, values) || !slices.Equal(begins, values) {
		t.Errorf("ids %v, begins %v, want %v", ids, begins, values)
	}
}
