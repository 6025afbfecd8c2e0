package llm

import (
	"context"
	"slices"
	"sync"
	"testing"
)

func collect(t *testing.T, e *Engine, r Request) []int {
	t.Helper()
	out, err := e.Generate(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	var tokens []int
	for tok := range out {
		tokens = append(tokens, tok)
	}
	return tokens
}

// TestBatch has many requests in one batch, and each must come out as if it
// were alone: no cache is mixed up, none is lost.
func TestBatch(t *testing.T) {
	t.Parallel()
	m := NewModel(Config{Width: 32})
	request := func(i int) Request {
		return Request{Prompt: Encode("the water of river " + Words()[i]), MaxTokens: 3 + i, Temperature: 1, Seed: uint64(i), IgnoreEOS: true}
	}
	alone := NewEngine(m, 1, 1)
	defer alone.Close()
	together := NewEngine(m, 3, 4)
	defer together.Close()
	const n = 12
	got := make([][]int, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { got[i] = collect(t, together, request(i)) })
	}
	all.Wait()
	for i := range n {
		want := collect(t, alone, request(i))
		if len(want) != 3+i {
			t.Errorf("request %d: %d tokens, want %d", i, len(want), 3+i)
		}
		if !slices.Equal(got[i], want) {
			t.Errorf("request %d: %v in a batch, %v alone", i, got[i], want)
		}
	}
	if n := together.Stats().Running.Load() + together.Stats().Waiting.Load(); n != 0 {
		t.Errorf("%d sequences left", n)
	}
}

// TestCache: a token's logits depend on what came before it.
func TestCache(t *testing.T) {
	t.Parallel()
	m := NewModel(Config{Width: 32})
	last := func(prompt string) []float32 {
		c := m.NewCache()
		var logits []float32
		for _, tok := range Encode(prompt) {
			logits = m.Forward(tok, c)
		}
		return logits
	}
	if a, b := last("fire and water"), last("earth and water"); slices.Equal(a, b) {
		t.Error("the first word makes no difference")
	}
	if a, b := last("fire and water"), last("fire and water"); !slices.Equal(a, b) {
		t.Error("the same prompt, but other logits")
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	e := NewEngine(NewModel(Config{Width: 32}), 1, 2)
	ctx, cancel := context.WithCancel(t.Context())
	out, err := e.Generate(ctx, Request{MaxTokens: 1 << 20, IgnoreEOS: true})
	if err != nil {
		t.Fatal(err)
	}
	<-out
	cancel()
	for range out {
	}
	e.Close()
	if _, err := e.Generate(t.Context(), Request{MaxTokens: 1}); err != ErrClosed {
		t.Errorf("a closed engine: %v, want ErrClosed", err)
	}
}

// TestCloseUnderWay: a sequence under way ends with the engine, also one that fills
// the batch.
func TestCloseUnderWay(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 2} {
		e := NewEngine(NewModel(Config{Width: 32}), 1, most)
		out, err := e.Generate(t.Context(), Request{MaxTokens: 1 << 20, IgnoreEOS: true})
		if err != nil {
			t.Fatal(err)
		}
		<-out
		e.Close()
		for range out {
		}
		if n := e.Stats().Running.Load(); n != 0 {
			t.Errorf("room for %d: %d sequences left", most, n)
		}
	}
}

func TestTokenizer(t *testing.T) {
	t.Parallel()
	var text string
	for _, tok := range Encode("The water zebra") {
		if tok <= 0 || tok >= VocabularySize() {
			t.Errorf("token %d", tok)
		}
		text += Decode(tok)
	}
	if want := " the waterzebra"; text != want {
		t.Errorf("%q, want %q", text, want)
	}
	if len(tokenOf) != len(words) {
		t.Errorf("%d words, %d different", len(words), len(tokenOf))
	}
}
