package llm

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	profctx "github.com/profscope/profscope/context"
)

// Request is what is to be generated.
type Request struct {
	Prompt      []int
	MaxTokens   int
	Temperature float64
	Seed        uint64
	IgnoreEOS   bool
}

// ErrClosed is the error of a request to a closed [Engine].
var ErrClosed = errors.New("llm: the engine is closed")

// Engine generates for many requests at once. One goroutine schedules: each
// step takes one token further every sequence of the batch, and sequences
// enter and leave the batch between steps, whenever they come and end. The
// work of a step is done by a pool of workers.
type Engine struct {
	model    *Model
	maxBatch int
	waiting  chan *sequence
	jobs     chan *sequence
	closed   chan struct{}
	all      sync.WaitGroup
	stats    Stats
}

// Stats are figures of an [Engine], to be read at any time.
type Stats struct {
	Running, Waiting      atomic.Int64 // sequences
	Requests              atomic.Int64
	Prompted, Generations atomic.Int64 // tokens
}

type sequence struct {
	ctx   context.Context
	r     Request
	cache *Cache
	next  []int // not yet in the cache
	made  int
	rnd   *rand.Rand
	out   chan int // room for all tokens: the scheduler never waits for a client
	done  bool
	step  *sync.WaitGroup
}

// prefillChunk bounds how much of a prompt a step takes, so that a long
// prompt does not make all others wait.
const prefillChunk = 32

// NewEngine starts an engine of that many workers, which generates for at
// most maxBatch sequences at once.
func NewEngine(m *Model, workers, maxBatch int) *Engine {
	e := &Engine{
		model: m, maxBatch: maxBatch,
		waiting: make(chan *sequence), // the line is of those who send: none is forgotten at Close
		jobs:    make(chan *sequence),
		closed:  make(chan struct{}),
	}
	for range workers {
		e.all.Go(e.work)
	}
	e.all.Go(e.schedule)
	return e
}

// Close ends the engine; sequences under way end without their last tokens.
func (e *Engine) Close() {
	close(e.closed)
	e.all.Wait()
}

// Stats returns the engine's figures.
func (e *Engine) Stats() *Stats { return &e.stats }

// Generate puts r in line. The channel gives its tokens as they come, and is
// closed after the last, or early when ctx or the engine has ended.
func (e *Engine) Generate(ctx context.Context, r Request) (<-chan int, error) {
	if len(r.Prompt) == 0 {
		r.Prompt = []int{EndOfText}
	}
	s := &sequence{ctx: ctx, r: r, cache: e.model.NewCache(), next: r.Prompt,
		rnd: rand.New(rand.NewPCG(r.Seed, 2)), out: make(chan int, r.MaxTokens)}
	e.stats.Waiting.Add(1)
	select {
	case e.waiting <- s:
		e.stats.Requests.Add(1)
		e.stats.Prompted.Add(int64(len(r.Prompt)))
		return s.out, nil
	case <-ctx.Done():
		e.stats.Waiting.Add(-1)
		return nil, ctx.Err()
	case <-e.closed:
		e.stats.Waiting.Add(-1)
		return nil, ErrClosed
	}
}

func (e *Engine) schedule() {
	defer close(e.jobs)
	var batch []*sequence
	defer func() {
		for _, s := range batch {
			e.leave(s)
		}
	}()
	for {
		var open bool
		if batch, open = e.admit(batch); !open {
			return
		}
		var step sync.WaitGroup
		step.Add(len(batch))
		for _, s := range batch {
			s.step = &step
			e.jobs <- s
		}
		step.Wait()
		kept := batch[:0]
		for _, s := range batch {
			if s.done || s.ctx.Err() != nil {
				e.leave(s)
				continue
			}
			kept = append(kept, s)
		}
		clear(batch[len(kept):])
		batch = kept
	}
}

// leave tells the reader of s that it has ended.
func (e *Engine) leave(s *sequence) {
	e.stats.Running.Add(-1) // before its reader can look
	close(s.out)
}

// admit fills the batch with waiting sequences, and waits for one if the batch
// is empty. It reports whether the engine is still open.
func (e *Engine) admit(batch []*sequence) ([]*sequence, bool) {
	select {
	case <-e.closed:
		return batch, false
	default:
	}
	for len(batch) < e.maxBatch {
		var s *sequence
		if len(batch) == 0 {
			select {
			case s = <-e.waiting:
			case <-e.closed:
				return batch, false
			}
		} else {
			select {
			case s = <-e.waiting:
			default:
				return batch, true
			}
		}
		e.stats.Waiting.Add(-1)
		e.stats.Running.Add(1)
		batch = append(batch, s)
	}
	return batch, true
}

// work takes steps of sequences. The pool is older than any request, so a
// request's profile would show only that it waits: while a worker works for
// it, it takes part in the request's scope.
func (e *Engine) work() {
	for s := range e.jobs {
		leave := profctx.Join(s.ctx)
		e.advance(s)
		leave()
		s.step.Done()
	}
}

// advance takes one step of one sequence: a piece of its prompt, or one token.
func (e *Engine) advance(s *sequence) {
	n := min(len(s.next), prefillChunk)
	var logits []float32
	for _, t := range s.next[:n] {
		logits = e.model.Forward(t, s.cache)
	}
	if s.next = s.next[n:]; len(s.next) > 0 {
		return
	}
	if s.made == s.r.MaxTokens {
		s.done = true
		return
	}
	t := Sample(logits, s.r.Temperature, s.rnd)
	if t == EndOfText && !s.r.IgnoreEOS {
		s.done = true
		return
	}
	s.out <- t
	s.made++
	e.stats.Generations.Add(1)
	s.next = []int{t}
	s.done = s.made == s.r.MaxTokens
}
