// Package wire reads the execution trace of the running program: the format
// that the runtime writes since Go 1.26, of which it gives what happened to
// goroutines, in order, to a [Handler].
//
// golang.org/x/exp/trace reads every trace, of any Go version, with all that
// is in it, and checks the whole of the scheduler's state while it does. That
// costs a recording that is analysed while it runs more than the recording
// itself. This package reads a tenth of it: processors, heap, regions and
// tasks are skipped, stacks and strings are decoded when they are asked for,
// and goroutines that were parked all the time cost the reading of their
// status. It is used for the one version that it knows; whoever uses it keeps
// x/exp/trace for all others. A test reads recordings with both and compares.
//
// The format: a header of 16 bytes, then batches, then per generation one
// byte for its end. A batch is one type byte and, as varints, the generation,
// the thread (none: all bits set), the time of its begin and the length of the
// events after it. An event is one type byte and varints, the first of which
// is the time since the event before it. Strings, stacks and CPU samples of a
// generation have batches of their own, which come after those that refer to
// them: so nothing can be told before a generation is whole.
package wire
