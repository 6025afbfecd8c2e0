package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/profscope/profscope/examples/serving/llm"
)

// modelName is what /v1/models lists; requests may name any.
const modelName = "profscope-tiny"

// api answers the part of OpenAI's HTTP interface that load clients use
// (https://platform.openai.com/docs/api-reference/completions).
type api struct {
	engine *llm.Engine
	ids    atomic.Int64
}

type completionRequest struct {
	Model         string          `json:"model"`
	Prompt        json.RawMessage `json:"prompt"` // a string, strings, or tokens
	Messages      []message       `json:"messages"`
	MaxTokens     *int            `json:"max_tokens"`
	MaxCompletion *int            `json:"max_completion_tokens"`
	Temperature   *float64        `json:"temperature"`
	Seed          uint64          `json:"seed"`
	IgnoreEOS     bool            `json:"ignore_eos"`
	Stream        bool            `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`
}

type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
}

type completion struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   *usage   `json:"usage,omitempty"`
}

type choice struct {
	Index        int      `json:"index"`
	Text         *string  `json:"text,omitempty"`
	Message      *message `json:"message,omitempty"`
	Delta        *message `json:"delta,omitempty"`
	FinishReason *string  `json:"finish_reason"`
}

// Limits keep one request from taking the server.
const (
	maxBody   = 1 << 20
	maxTokens = 4096
)

func (a *api) completions(chat bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var req completionRequest
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&req); err != nil {
			refuse(w, http.StatusBadRequest, fmt.Sprintf("the body is no request: %v", err))
			return
		}
		want, err := req.generation(chat)
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		tokens, err := a.engine.Generate(r.Context(), want)
		if err != nil {
			refuse(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		c := completion{ID: fmt.Sprintf("cmpl-%d", a.ids.Add(1)), Object: "text_completion", Created: time.Now().Unix(), Model: modelName}
		if chat {
			c.Object = "chat.completion"
		}
		if req.Stream {
			stream(w, c, chat, want, tokens, req.StreamOptions.IncludeUsage)
			return
		}
		var text strings.Builder
		made := 0
		for t := range tokens {
			text.WriteString(llm.Decode(t))
			made++
		}
		c.Usage = newUsage(want, made)
		c.Choices = []choice{newChoice(chat, false, text.String(), finish(want, made))}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(c) // a client that has gone is no error of ours
	}
}

// stream sends each token as it comes, as server-sent events.
func stream(w http.ResponseWriter, c completion, chat bool, want llm.Request, tokens <-chan int, withUsage bool) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	if chat {
		c.Object = "chat.completion.chunk"
	}
	send := func() {
		body, err := json.Marshal(c)
		if err != nil {
			panic(err) // strings and numbers only
		}
		fmt.Fprintf(w, "data: %s\n\n", body)
		_ = out.Flush()
	}
	made := 0
	for t := range tokens {
		made++
		c.Choices = []choice{newChoice(chat, true, llm.Decode(t), nil)}
		send()
	}
	c.Choices = []choice{newChoice(chat, true, "", finish(want, made))}
	send()
	if withUsage {
		c.Choices, c.Usage = []choice{}, newUsage(want, made)
		send()
	}
	fmt.Fprint(w, "data: [DONE]\n\n")
}

func newChoice(chat, chunk bool, text string, reason *string) choice {
	c := choice{FinishReason: reason}
	switch {
	case chat && chunk:
		c.Delta = &message{"assistant", text}
	case chat:
		c.Message = &message{"assistant", text}
	default:
		c.Text = &text
	}
	return c
}

func newUsage(want llm.Request, made int) *usage {
	return &usage{len(want.Prompt), made, len(want.Prompt) + made}
}

func finish(want llm.Request, made int) *string {
	reason := "stop"
	if made == want.MaxTokens {
		reason = "length"
	}
	return &reason
}

// generation checks the request and says what the engine is to do.
func (r *completionRequest) generation(chat bool) (llm.Request, error) {
	g := llm.Request{MaxTokens: 16, Temperature: 1, Seed: r.Seed, IgnoreEOS: r.IgnoreEOS}
	if r.MaxTokens != nil {
		g.MaxTokens = *r.MaxTokens
	}
	if r.MaxCompletion != nil {
		g.MaxTokens = *r.MaxCompletion
	}
	if r.Temperature != nil {
		g.Temperature = *r.Temperature
	}
	if g.MaxTokens < 1 || g.MaxTokens > maxTokens {
		return g, fmt.Errorf("max_tokens is %d, and must be from 1 to %d", g.MaxTokens, maxTokens)
	}
	if chat {
		for _, m := range r.Messages {
			g.Prompt = append(g.Prompt, llm.Encode(m.Role+" "+m.Content)...)
		}
		return g, nil
	}
	var text string
	if json.Unmarshal(r.Prompt, &text) == nil {
		g.Prompt = llm.Encode(text)
		return g, nil
	}
	var tokens []int
	if json.Unmarshal(r.Prompt, &tokens) != nil {
		return g, fmt.Errorf("prompt must be a string or a list of tokens; a list of prompts is not supported")
	}
	for _, t := range tokens {
		if t < 0 || t >= llm.VocabularySize() {
			return g, fmt.Errorf("token %d is not in the vocabulary of %d", t, llm.VocabularySize())
		}
	}
	g.Prompt = tokens
	return g, nil
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"message": why}})
}

func (a *api) models(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"object": "list",
		"data": []map[string]string{{"id": modelName, "object": "model", "owned_by": "profscope"}}})
}

// metrics are in Prometheus' text format, under the names that dashboards for
// such servers know.
func (a *api) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	s := a.engine.Stats()
	for _, m := range []struct {
		name, kind string
		value      int64
	}{
		{"vllm:num_requests_running", "gauge", s.Running.Load()},
		{"vllm:num_requests_waiting", "gauge", s.Waiting.Load()},
		{"vllm:prompt_tokens_total", "counter", s.Prompted.Load()},
		{"vllm:generation_tokens_total", "counter", s.Generations.Load()},
		{"vllm:request_success_total", "counter", s.Requests.Load()},
	} {
		fmt.Fprintf(w, "# TYPE %s %s\n%s{model_name=%q} %d\n", m.name, m.kind, m.name, modelName, m.value)
	}
}
