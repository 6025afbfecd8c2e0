package wire_test

import (
	"math/rand/v2"
	"testing"

	"github.com/profscope/profscope/internal/wire"
)

// TestByID does the same to a map of ours and to Go's, with ids in runs, with
// ids that collide, and with those below 0.
func TestByID(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var m wire.ByID[int64]
	want := make(map[int64]*int64)
	next := int64(1)
	for i := range 200_000 {
		id := next
		switch r.IntN(8) {
		case 0:
			id = r.Int64N(64) << r.IntN(40)
		case 1:
			id = -1 - r.Int64N(100)
		case 2:
			id = max(1, next-r.Int64N(300))
		default:
			next++
		}
		if len(want) > 2000*(1+i/50_000) || r.IntN(3) == 0 {
			for k := range want {
				m.Delete(k)
				delete(want, k)
				break
			}
			m.Delete(id)
			delete(want, id)
			continue
		}
		v := id
		m.Put(id, &v)
		want[id] = &v
		if got := m.Get(id + r.Int64N(3)); got != nil && want[*got] != got {
			t.Fatalf("step %d: an entry of %d that is gone", i, *got)
		}
	}
	if m.Len() != len(want) || len(m.All()) != len(want) || len(want) < 100 {
		t.Errorf("%d entries, %d listed, want %d", m.Len(), len(m.All()), len(want))
	}
	for id, v := range want {
		if m.Get(id) != v {
			t.Errorf("entry %d is lost", id)
		}
	}
	for _, v := range m.All() {
		if want[*v] != v {
			t.Errorf("entry %d is there and was dropped", *v)
		}
		m.Delete(*v)
	}
	if m.Len() != 0 || m.Get(1) != nil || m.All() == nil {
		t.Errorf("%d entries are left", m.Len())
	}
}
