package session

import "sync/atomic"

// word is the whole state that opening and closing a scope looks at:
//
//	bit 0       a recording is live: it does not end while scopes are open
//	bit 1       edges go to the side list, because no trace would show them
//	bits 2..33  scopes open now
//	bits 34..63 scopes opened since the recording began, to see activity: at
//	            the top, where it starts anew without harm
//
// Opening adds one to both counters at once and sees in the same moment
// whether the recording is live; ending a recording is a compare-and-swap that
// fails if a scope was opened meanwhile. So neither needs a lock.
var word atomic.Uint64

const (
	liveBit   = 1 << 0
	sideBit   = 1 << 1
	openOne   = 1 << 2
	openedOne = 1 << 34
	openMask  = openedOne - openOne
)

// opened counts a scope that opens, and returns the word after it.
func opened() uint64 { return word.Add(openedOne + openOne) }

// closed counts one that closes.
func closed() uint64 { return word.Add(^uint64(openOne - 1)) }

func live() bool { return word.Load()&liveBit != 0 }

// retire clears the live bit if no scope is open, and reports whether it did.
func retire() bool {
	for {
		w := word.Load()
		if w&liveBit == 0 || w&openMask != 0 {
			return false
		}
		if word.CompareAndSwap(w, 0) {
			return true
		}
	}
}

// setBits turns on and off bits of the word.
func setBits(on, off uint64) {
	for {
		w := word.Load()
		if word.CompareAndSwap(w, w&^off|on) {
			return
		}
	}
}
