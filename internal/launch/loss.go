package launch

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/profscope/profscope/internal/gotrace"
	"github.com/profscope/profscope/internal/ledger"
)

// losses tells what of the time between begin and end the recording has not,
// a sentence each. They are for the file and for who waits for it: a profile
// of half the time looks as whole as any other. read are the pieces as they
// were read, nil where they were not.
//
// How much is missing at the end is a difference of two lengths, and of no two
// times: the clocks of the program's trace and of this process are not the same.
func (r *recording) losses(read []*gotrace.File) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var says []string
	if n := len(r.pieces); n > 1 {
		says = append(says, fmt.Sprintf("The recording has %d pieces: in between the launcher could not keep up, and nothing is known.", n))
	}
	if !r.over() || len(r.pieces) == 0 {
		return says
	}
	length, most := "", ""
	if len(read) == len(r.pieces) && r.lasted > 0 {
		short := r.lasted
		if f := read[len(read)-1]; f != nil {
			short -= f.End - f.Begin
		}
		d := max(short, 0).Round(time.Microsecond)
		length = fmt.Sprintf(", %v,", d)
		most = fmt.Sprintf(", %v of it at most", d) // until we saw that it has gone, which is later than its end
	}
	switch {
	case !r.complete:
		says = append(says, "The program ended without telling so"+without(r.state)+": its end may be missing"+most+".")
	case r.cut:
		says = append(says, "The launcher could not keep up: the end of the recording"+length+" is missing.")
	}
	return says
}

// without is why a program may have ended without telling so, as far as its state,
// which may be nil, leaves it open.
func without(state *os.ProcessState) string {
	const (
		late   = "it waited in vain for a launcher that could not keep up"
		linked = "it links profscope, which has no word at the end of main" // and os.Exit
	)
	switch {
	case state == nil:
		return " (it was killed, it crashed, or " + late + ")"
	case !state.Exited():
		return ", by a " + strings.Replace(state.String(), ": ", " (", 1) + ")" // signal: killed
	case state.Success():
		return ", with exit code 0 (" + linked + ", or " + late + ")"
	}
	return fmt.Sprintf(", with exit code %d (it crashed, %s, or %s)", state.ExitCode(), linked, late)
}

// unplaced tells of waits that have no place, where they are a hundredth of all or
// more. The recorder ends a generation at once so that there are none; the releases
// before Go 1.25 do not let it.
func unplaced(l *ledger.Ledger) []string {
	var all, waited int64
	for _, e := range l.Book.Entries() {
		all += e.Nanos
		if e.Stack == 0 && e.State == ledger.Blocked {
			waited += e.Nanos
		}
	}
	if waited == 0 || waited < all/100 {
		return nil
	}
	return []string{fmt.Sprintf("Of %v in waits the place is not known: the runtime tells none of a goroutine that waited from before the recording on, and went on before its first generation ended.", time.Duration(waited).Round(time.Microsecond))}
}
