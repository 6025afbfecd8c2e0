package report

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// TestSettled: a write that begins settles the calls that it has, and no later
// ones.
func TestSettled(t *testing.T) {
	t.Parallel()
	var d Destination
	var first, both, second Teller
	for range 2 {
		d.Ended()
		switch d.Owe(&both); d.ends.Load() {
		case 1:
			d.Owe(&first)
		case 2:
			d.Owe(&second)
		}
	}
	if got := d.owed.settled(1); !slices.Equal(got, []*Teller{&first}) {
		t.Errorf("one call settles %d doors", len(got))
	}
	d.Owe(&both) // it is in the list already
	if got := d.owed.settled(2); !slices.Equal(got, []*Teller{&both, &second}) {
		t.Errorf("both calls settle %d doors", len(got))
	}
	if d.Owe(&first); len(d.owed.tellers) != 1 {
		t.Errorf("%d doors are owed a write, want the one that has had another call", len(d.owed.tellers))
	}
}

// TestOweTogether: of two ends of a door at once the later one counts, whichever
// is noted last.
func TestOweTogether(t *testing.T) {
	t.Parallel()
	var d Destination
	var door Teller
	d.Ended()
	d.Ended()
	d.Owe(&door)
	d.ends.Store(1)
	d.Owe(&door)
	if got := d.owed.settled(1); len(got) != 0 {
		t.Error("the first call settles the second")
	}
}

// TestSeldom: the log is told what is new, and not the same again and again.
func TestSeldom(t *testing.T) {
	t.Parallel()
	var d Destination
	var lines []string
	log := d.Seldom(func(err error) { lines = append(lines, err.Error()) })
	full, gone := errors.New("disk full"), errors.New("folder gone")
	for _, err := range []error{full, full, full, gone, full} {
		log(err)
	}
	d.logged.well()
	log(full)
	if want := []string{"disk full", "folder gone", "disk full", "disk full"}; !slices.Equal(lines, want) {
		t.Errorf("the log has %q, want %q", lines, want)
	}
	d.logged.at = d.logged.at.Add(-sameEvery)
	d.logged.more = 7
	log(full)
	if want := fmt.Sprintf("%v (and 7 times more since it was told last)", full); lines[len(lines)-1] != want {
		t.Errorf("the log has %q, want %q", lines[len(lines)-1], want)
	}
}
