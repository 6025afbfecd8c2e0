package session

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/internal/report"
)

// ErrTooMany is the error for a recording beyond the limit of its request.
var ErrTooMany = errors.New("too many recordings at once")

// BusyError is the error for a recording whose name, or file, is taken by one
// that runs.
type BusyError struct{ By *Recording }

// Error tells since when it runs, and for whom.
func (e *BusyError) Error() string {
	s := fmt.Sprintf("profscope: %q is being recorded since %s", e.By.Name, e.By.Began.Format(time.RFC3339Nano))
	if e.By.Peer != "" {
		s += ", for " + e.By.Peer
	}
	return s
}

// ErrFormat is the error for a file that cannot be written in the format asked
// for.
var ErrFormat = report.ErrFormat

// Request is what a recording shall be.
type Request struct {
	Name     string        // by which it is stopped
	File     string        // as all doors take it
	Peer     string        // who asked for it, to be shown to others
	Duration time.Duration // it ends by itself after that; 0: it does not
	MaxBytes int64         // and when the trace recorded meanwhile exceeds that; 0: it does not
	Limit    int           // of recordings at once; 0: none
	Since    time.Duration // so much of the time before is in it, from what is kept
	Options  []Option
	Ended    func(*Recording, Result) // if set, called at its end, before anybody who waits for it
}

// Recording is a recording of the whole process under a name. Its fields do
// not change.
type Recording struct {
	Name, Peer string
	Began      time.Time

	r      Request
	opened chan struct{} // closed when it runs or could not begin
	file   string        // "" if it could not begin
	p      *Process      // nil when its file is written: it has all that was booked; guarded by mu after the end
	from   int64         // traceBytes at its begin
	stop   chan struct{} // closed when it shall end
	once   sync.Once
	why    string
	done   chan struct{} // closed when result is there
	result Result        // guarded by mu after that

	retry sync.Mutex // held by who writes the file after all, or gives it up
	mu    sync.Mutex // never held while anything waits for the disk: all who list recordings take it
}

// Result is how a recording ended.
type Result struct {
	Ended   time.Time
	Bytes   int64 // of its file
	Elapsed time.Duration
	States  States // of all goroutines
	Why     string // it ended by itself; "" if it was stopped
	Err     error  // why there is no file
}

// maxEnded bounds the recordings that are remembered after their end.
const maxEnded = 256

// recordings is those of the process, by name.
var recordings struct {
	mu      sync.Mutex
	running map[string]*Recording
	n       atomic.Int64 // of running
	ended   []*Recording // the last of each name, the latest last; done is closed
}

// Record begins a recording.
func Record(r Request) (*Recording, error) {
	rs := &recordings
	x := &Recording{
		Name: r.Name, Peer: r.Peer, r: r, Began: time.Now(),
		opened: make(chan struct{}), stop: make(chan struct{}), done: make(chan struct{}),
	}
	rs.mu.Lock()
	if by := rs.running[r.Name]; by != nil {
		rs.mu.Unlock()
		return nil, &BusyError{by}
	}
	for _, by := range rs.running {
		if by.r.File == r.File {
			rs.mu.Unlock()
			return nil, &BusyError{by} // its file would be one recording's, then the other's
		}
	}
	if r.Limit > 0 && len(rs.running) >= r.Limit {
		rs.mu.Unlock()
		return nil, fmt.Errorf("profscope: record %q: %w: %d run, and the limit is %d", r.Name, ErrTooMany, r.Limit, r.Limit)
	}
	if rs.running == nil {
		rs.running = make(map[string]*Recording)
	}
	rs.running[r.Name] = x // before it runs: the name is taken
	rs.n.Store(int64(len(rs.running)))
	rs.mu.Unlock()
	x.from = traceBytes.Load()
	// What fails is in the result, and the requester's to tell.
	p, err := OpenProcess(r.File, append(r.Options, func(o *Options) { o.OnError = func(error) {} })...)
	if err != nil {
		x.abandon(err)
		return nil, err
	}
	if r.Since > 0 {
		err = p.AddPast(r.Since)
	}
	x.p, x.file = p, p.Target()
	if err != nil {
		x.abandon(err)
		return nil, err
	}
	close(x.opened)
	go x.run()
	return x, nil
}

// abandon ends a recording that nobody has been told of.
func (x *Recording) abandon(err error) {
	if x.p != nil {
		x.p.Discard()
		x.p, x.file = nil, ""
	}
	rs := &recordings
	rs.mu.Lock()
	delete(rs.running, x.Name)
	rs.n.Store(int64(len(rs.running)))
	rs.mu.Unlock()
	x.result.Err = err
	close(x.opened)
	close(x.done)
}

// run waits for the recording's end, and ends it.
func (x *Recording) run() {
	var over <-chan time.Time
	if x.r.Duration > 0 {
		t := time.NewTimer(x.r.Duration)
		defer t.Stop()
		over = t.C
	}
	var look <-chan time.Time
	if x.r.MaxBytes > 0 {
		t := time.NewTicker(tick)
		defer t.Stop()
		look = t.C
	}
	for why := ""; why == ""; {
		select {
		case <-x.stop:
			why = "stopped"
		case <-over:
			why = "duration"
		case <-look:
			if x.TraceBytes() > x.r.MaxBytes {
				why = "max_bytes"
			}
		}
		x.why = why
	}
	x.end()
}

func (x *Recording) end() {
	// An earlier one of the name that could not be written must not be, on top
	// of this one.
	forget(func(y *Recording) bool { return y.Name == x.Name })
	x.makeFolder()
	err := x.p.Close()
	s := x.p.Stats()
	x.result = Result{Elapsed: s.Elapsed, States: s.Process, Err: err, Ended: time.Now()}
	if x.why != "stopped" {
		x.result.Why = x.why
	}
	if err == nil {
		x.measure()
	}
	if x.r.Ended != nil {
		x.r.Ended(x, x.result)
	}
	rs := &recordings
	rs.mu.Lock()
	delete(rs.running, x.Name)
	rs.n.Store(int64(len(rs.running)))
	rs.ended = append(rs.ended, x)
	oldest := rs.ended[0]
	many := len(rs.ended) > maxEnded
	close(x.done) // with that, so that nobody waits for one that is among those that have ended
	rs.mu.Unlock()
	if many { // may be on another disk, which nobody who waits for x waits for
		forget(func(y *Recording) bool { return y == oldest })
	}
}

// File returns the absolute name of its file, "" if it could not begin.
func (x *Recording) File() string {
	<-x.opened
	return x.file
}

// TraceBytes returns how much trace has been recorded since the recording began.
func (x *Recording) TraceBytes() int64 { return traceBytes.Load() - x.from }

// Running reports whether it has not ended.
func (x *Recording) Running() bool {
	select {
	case <-x.done:
		return false
	default:
		return true
	}
}

// Stop ends the recording and returns when its file is durable. All who call
// it get the same result; but after a failure each call tries to write the file
// again.
func (x *Recording) Stop() Result {
	x.once.Do(func() { close(x.stop) })
	<-x.done
	x.retry.Lock()
	defer x.retry.Unlock()
	if p := x.unwritten(); p != nil {
		x.makeFolder()
		if p.Write() == nil {
			x.measure()
		}
	}
	return x.Result()
}

// makeFolder makes the file's folder again if it was taken away: for its owner
// alone, as who asked for the recording has made it. Writing would make one as all
// doors do, for everybody to look into. What fails is told by the writing.
func (x *Recording) makeFolder() { _ = os.MkdirAll(filepath.Dir(x.file), 0o700) }

// unwritten returns what still has to be written, nil if there is nothing.
func (x *Recording) unwritten() *Process {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.p
}

// Result waits for the recording's end and returns how it ended, so far: unlike
// Stop, it neither ends nor writes anything, nor waits for who does.
func (x *Recording) Result() Result {
	<-x.done
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.result
}

// measure asks how large the file is.
func (x *Recording) measure() {
	info, err := os.Stat(x.File())
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil {
		if x.result.Err == nil { // else that is why there is none
			x.result.Err = fmt.Errorf("profscope: the profile has gone after it was written: %w", err)
		}
		return
	}
	x.result.Bytes, x.result.Err, x.p = info.Size(), nil, nil
}

// Recorded reports whether any recording runs.
func Recorded() bool { return recordings.n.Load() > 0 }

// FindRecording returns the recording of that name that runs, or else the last
// one that has ended, or nil.
func FindRecording(name string) *Recording {
	rs := &recordings
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if x := rs.running[name]; x != nil {
		return x
	}
	for _, x := range rs.ended {
		if x.Name == name {
			return x
		}
	}
	return nil
}

// Recordings returns those that run, by name, and those that have ended, the
// latest last. One whose file is still looked for does not run yet.
func Recordings() (running, ended []*Recording) {
	rs := &recordings
	rs.mu.Lock()
	defer rs.mu.Unlock()
	for _, x := range rs.running {
		select {
		case <-x.opened:
			running = append(running, x)
		default:
		}
	}
	slices.SortFunc(running, func(a, b *Recording) int { return strings.Compare(a.Name, b.Name) })
	return running, slices.Clone(rs.ended)
}

// ForgetFile forgets the results of recordings whose file is the one of that
// absolute name: it has been removed.
func ForgetFile(file string) {
	forget(func(x *Recording) bool { return x.file == file })
}

// forget forgets the recordings that have ended and are such. What of them could
// not be written is not tried any more.
func forget(such func(*Recording) bool) {
	rs := &recordings
	var gone []*Recording
	rs.mu.Lock()
	rs.ended = slices.DeleteFunc(rs.ended, func(x *Recording) bool {
		if !such(x) {
			return false
		}
		gone = append(gone, x)
		return true
	})
	rs.mu.Unlock()
	for _, x := range gone { // may wait for the disk
		x.retry.Lock()
		if p := x.unwritten(); p != nil {
			p.Discard()
			x.mu.Lock()
			x.p = nil
			x.mu.Unlock()
		}
		x.retry.Unlock()
	}
}
