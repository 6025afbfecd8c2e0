// Package dest brings bytes to where a user's name points: a file, a device,
// a FIFO or stdout. It knows names, endings and durability, and nothing of
// profiles.
//
// What it guarantees for regular files: whoever opens the name, at any time
// and after SIGKILL or a failure at any step, finds the old content or the
// new, whole. After Commit has returned nil, the new content is on the disk
// as far as fsync can tell. What it does not guarantee: hard links are broken
// (the name gets a new inode), a process that ends in the middle of a write may
// leave its temporary file behind (see tempFile), and of two writers of one
// name the last to commit wins.
//
// Devices, FIFOs and stdout cannot be replaced, so there the bytes are held
// back until Commit; a FIFO or device that gets more than holdBytes is
// streamed from there on.
package dest

import (
	"errors"
	"io"
	"os"
)

// A sink is one kind of target. write and commit return errors of this
// package; after an error only abort is called. commit and abort are called
// at most once in all, except that abort follows a commit that failed.
type sink interface {
	write(p []byte) error
	commit() error
	abort() error
}

// A Writer writes to one target in two phases: nothing is seen at the target
// before Commit, and nothing ever is after Abort. It keeps its first error:
// encoders that drop write errors (google/pprof's Profile.Write does) cannot
// make a broken file look whole.
//
// A Writer is for one goroutine. Every Writer must be ended by Commit or
// Abort; Abort after either does nothing, so it can be deferred.
type Writer struct {
	name string
	sink sink
	err  error
	done bool
}

// Open prepares a target. "", "-" and the system's own names for standard
// output (/dev/stdout) mean stdout. Missing folders are made. What is wrong
// with the name itself (a folder, a loop of links, a FIFO that nobody reads,
// no permission) is found here; the errors are of type *Error.
func Open(name string) (*Writer, error) {
	s, err := open(name)
	if err != nil {
		return nil, err
	}
	return &Writer{name: name, sink: s}, nil
}

func open(name string) (sink, error) {
	if IsStdout(name) {
		return &stdoutSink{name: name, stall: stdoutStall}, nil
	}
	t, err := resolve(name)
	if err != nil {
		return nil, err
	}
	if t.direct() {
		return openStream(t)
	}
	return createFile(t)
}

// Write takes bytes for the target; it never writes less than all of p
// without an error. It does not keep p.
func (w *Writer) Write(p []byte) (int, error) {
	if w.done {
		return 0, failed(w.name, "write", os.ErrClosed)
	}
	if w.err != nil {
		return 0, w.err
	}
	if err := w.sink.write(p); err != nil {
		w.err = err
		return 0, err
	}
	return len(p), nil
}

// Commit makes what was written the target's content. If it or any Write
// before it failed, the target is as it was, the temporary file is gone and
// the first error is returned.
func (w *Writer) Commit() error {
	if w.done {
		return failed(w.name, "commit", os.ErrClosed)
	}
	w.done = true
	if w.err == nil {
		w.err = w.sink.commit()
	}
	if w.err == nil {
		return nil
	}
	if err := w.sink.abort(); err != nil {
		return errors.Join(w.err, err)
	}
	return w.err
}

// Abort gives up: the target stays as it is. Its error tells that something
// was left behind.
func (w *Writer) Abort() error {
	if w.done {
		return nil
	}
	w.done = true
	return w.sink.abort()
}

// Put writes what encode produces to name: all of it or nothing. Errors name
// the target and the stage; encode's own are wrapped. When encode panics or
// ends its goroutine, nothing is left behind.
func Put(name string, encode func(io.Writer) error) error {
	w, err := Open(name)
	if err != nil {
		return err
	}
	defer w.Abort()
	if err := encode(w); err != nil {
		// The target's own failure is the cause; encode's error only
		// repeats it in other words.
		if w.err == nil {
			w.err = failed(name, "encode", err)
		}
	}
	return w.Commit()
}
