package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

type client struct {
	o     *options
	http  *http.Client
	model string
}

func newClient(o *options) *client {
	return &client{o: o, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1 << 12}}, model: o.model}
}

// answer is what a user saw of one request.
type answer struct {
	begin, end time.Time
	first      time.Duration   // to the first token
	between    []time.Duration // from one token to the next
	input      int
	output     int
	err        error
}

func (c *client) post(ctx context.Context, path string, body any) (*http.Response, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.o.baseURL+path, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if key := os.Getenv("OPENAI_API_KEY"); key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return nil, fmt.Errorf("POST %s: %s: %s", path, resp.Status, strings.TrimSpace(string(text)))
	}
	return resp, nil
}

func (c *client) findModel(ctx context.Context) error {
	if c.model != "" {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.o.baseURL+"/v1/models", nil)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask for the models: %w (does the server run? --base-url, --host and --port say where)", err)
	}
	defer resp.Body.Close()
	var models struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&models); err != nil || len(models.Data) == 0 {
		return fmt.Errorf("the server lists no model (%s, %v): name one by --model", resp.Status, err)
	}
	c.model = models.Data[0].ID
	return nil
}

func (c *client) body(p prompt) map[string]any {
	b := map[string]any{
		"model": c.model, "temperature": 0.0, "max_tokens": p.output, "stream": true,
		"stream_options": map[string]bool{"include_usage": true},
		"ignore_eos":     c.o.ignoreEOS || c.o.dataset == "random",
	}
	if c.o.backend == "openai-chat" {
		b["messages"] = []map[string]string{{"role": "user", "content": p.text}}
	} else {
		b["prompt"] = p.text
	}
	if c.o.backend == "openai" || c.o.backend == "openai-chat" {
		delete(b, "ignore_eos") // not OpenAI's
	}
	return b
}

// chunk is the part of a server-sent event that is looked at.
type chunk struct {
	Choices []struct {
		Text  string `json:"text"`
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
	} `json:"choices"`
	Usage *struct {
		Prompt     int `json:"prompt_tokens"`
		Completion int `json:"completion_tokens"`
	} `json:"usage"`
}

// generate makes one request and takes the times of its tokens.
func (c *client) generate(ctx context.Context, p prompt) (a answer) {
	a.begin, a.input = time.Now(), p.input
	defer func() { a.end = time.Now() }()
	resp, err := c.post(ctx, c.o.endpoint, c.body(p))
	if err != nil {
		a.err = err
		return a
	}
	defer resp.Body.Close()
	last := a.begin
	done := false
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue
		}
		if data = strings.TrimSpace(data); data == "[DONE]" {
			done = true
			break
		}
		now := time.Now()
		var ch chunk
		if err := json.Unmarshal([]byte(data), &ch); err != nil {
			a.err = fmt.Errorf("the server sent no JSON: %w", err)
			return a
		}
		if ch.Usage != nil {
			a.input, a.output = ch.Usage.Prompt, ch.Usage.Completion
		}
		for _, choice := range ch.Choices {
			if choice.Text == "" && choice.Delta.Content == "" {
				continue
			}
			if a.first == 0 {
				a.first = now.Sub(a.begin)
			} else {
				a.between = append(a.between, now.Sub(last))
			}
			last = now
		}
	}
	switch {
	case lines.Err() != nil:
		a.err = fmt.Errorf("read the answer: %w", lines.Err())
	case !done:
		a.err = fmt.Errorf("the answer ended without its end: %w", io.ErrUnexpectedEOF)
	case a.first == 0:
		a.err = fmt.Errorf("the answer had no token")
	}
	if a.output == 0 && a.first > 0 {
		a.output = 1 + len(a.between)
	}
	return a
}

// profile starts or stops the server's profile, and returns what it says.
// The body is a whole request, as vLLM's own client sends.
func (c *client) profile(ctx context.Context, what string, p prompt) (json.RawMessage, error) {
	resp, err := c.post(ctx, "/"+what+"_profile", c.body(p))
	if err != nil {
		return nil, fmt.Errorf("%s the profile: %w", what, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("%s the profile: %w", what, err)
	}
	if !json.Valid(body) { // vLLM answers with nothing
		return nil, nil
	}
	return body, nil
}
