package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"time"
)

// handlers are those of net/http/pprof that serve a recording, and do nothing
// else meanwhile.
var handlers = []string{"net/http/pprof.Trace", "net/http/pprof.Profile"}

// served tells what of the recording is not the server's own: what was left out,
// and what could not be.
func served(left, noStack int64) string {
	s := fmt.Sprintf("Left out are %v in net/http/pprof's handlers, which served this recording. "+
		"The reading of its two connections (net/http.(*connReader).backgroundRead) is in here: it cannot be told from that of others.", time.Duration(left).Round(time.Microsecond))
	if noStack > 0 {
		s += fmt.Sprintf(" Nor can %v without a stack: the runtime tells none of a goroutine that waited from before the recording on, and went on before its end.", time.Duration(noStack).Round(time.Microsecond))
	}
	return s
}

// attachPprof is for net/http/pprof: while its CPU profile runs, the trace has
// the samples.
//
// Its handlers have no call that ends them early. They do end when their client
// is gone, and then write the rest of what they have: so an interrupt closes our
// half of the connection, which is what the server takes for that, and the other
// half still brings the rest. Closed as a whole, as a canceled request is, it
// would bring nothing of the last generation, which is all of a short recording
// and up to two seconds of a long one. A proxy in between may not pass the half
// on, and may give up the server too; then that part is lost, and we say so.
//
// A server that goes on when its time is over, or for ever, is given up: what had
// arrived is as good as that of one that went away.
func (a *app) attachPprof(ctx context.Context, at attachment) error {
	seconds := max(1, int(at.duration.Round(time.Second)/time.Second))
	query := "?seconds=" + strconv.Itoa(seconds)
	trace, err := newSpool(at.room)
	if err != nil {
		return err
	}
	defer trace.close()
	fetching, giveUp := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(seconds)*time.Second+at.patience)
	defer giveUp()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(at.patience, giveUp) })()
	sampled := make(chan error, 1)
	go func() {
		status, b, err := at.fetch(halfClosed(fetching, ctx), "/debug/pprof/profile"+query, io.Discard)
		if err == nil && status != http.StatusOK {
			err = at.refused("/debug/pprof/profile", status, b)
		}
		sampled <- err
	}()
	status, answer, err := at.fetch(halfClosed(fetching, ctx), "/debug/pprof/trace"+query, trace)
	if err != nil {
		giveUp()
	}
	if sampleErr := <-sampled; sampleErr != nil && err == nil && ctx.Err() == nil {
		fmt.Fprintf(a.stderr, "profscope: %v: which function ran is then only guessed\n", sampleErr)
	}
	interrupted := ctx.Err() != nil
	switch {
	case err == nil:
	case trace.err != nil && !errors.Is(trace.err, errNoRoom): // there is no keeping it
		return err
	case trace.n == 0 && !interrupted && errors.Is(fetching.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s/debug/pprof/trace%s: nothing had come %v after that", at.base, query, at.patience)
	case trace.n == 0 && !interrupted:
		return err
	case trace.n == 0:
		return errors.New("interrupted, and the server had sent nothing by then: --duration ends a recording so that nothing is lost")
	case trace.err != nil:
		at.ended = "the rest was given up: " + trace.err.Error()
	case interrupted:
		at.ended = "the interrupt ended the connection before the server had sent the rest (--duration loses nothing)"
	case errors.Is(fetching.Err(), context.DeadlineExceeded):
		at.ended = fmt.Sprintf("the server had not sent the rest of %d s when another %v were over", seconds, at.patience)
	default:
		at.ended = fmt.Sprintf("the server went away before it had sent the rest of %v (%v)", at.duration, errors.Unwrap(err))
	}
	if status != http.StatusOK {
		return fmt.Errorf("%w: the server needs httpprofile or net/http/pprof", at.refused("/debug/pprof/trace", status, answer))
	}
	if wrote := a.attached(at, trace, ".trace"); wrote != nil || err == nil || interrupted {
		return wrote
	}
	return exitCode(exitFailed) // what was asked for is not what was written
}

// oneRequest is a client with a connection for each request, so that half of it
// can be closed: of HTTP/2 there would be one for all.
func oneRequest() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = true
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	if t.TLSClientConfig != nil {
		t.TLSClientConfig.NextProtos = nil // a clone still offers the server HTTP/2
	}
	return &http.Client{Transport: t}
}

// halfClosed returns the context of a request whose connection has our half
// closed when enough ends, but not before the request is written.
func halfClosed(ctx, enough context.Context) context.Context {
	var half interface{ CloseWrite() error }
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(c httptrace.GotConnInfo) { half, _ = c.Conn.(interface{ CloseWrite() error }) },
		WroteRequest: func(httptrace.WroteRequestInfo) {
			if half := half; half != nil {
				context.AfterFunc(enough, func() { _ = half.CloseWrite() }) // one that is closed already is as good
			}
		},
	})
}
