package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/profscope/profscope/cprofile"
	"github.com/profscope/profscope/examples/serving/llm"
)

func start(t *testing.T) string {
	t.Helper()
	e := llm.NewEngine(llm.NewModel(llm.Config{Width: 32}), 2, 4)
	s := httptest.NewServer(handler(e))
	t.Cleanup(func() {
		s.Close()
		e.Close()
	})
	return s.URL
}

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// TestStream: the streamed answer has the same text as the whole one, for the
// same seed.
func TestStream(t *testing.T) {
	t.Parallel()
	url := start(t)
	for _, tt := range []struct{ path, input string }{
		{"/v1/completions", `"prompt":"the water of the river"`},
		{"/v1/chat/completions", `"messages":[{"role":"user","content":"the water of the river"}]`},
	} {
		request := `{` + tt.input + `,"max_tokens":9,"seed":4,"ignore_eos":true`
		status, body := post(t, url+tt.path, request+`}`)
		if status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		var whole completion
		if err := json.Unmarshal([]byte(body), &whole); err != nil {
			t.Fatal(err)
		}
		if whole.Usage.Completion != 9 || whole.Usage.Prompt < 5 || *whole.Choices[0].FinishReason != "length" {
			t.Errorf("%s", body)
		}
		_, body = post(t, url+tt.path, request+`,"stream":true,"stream_options":{"include_usage":true}}`)
		var text string
		var events int
		var last string
		lines := bufio.NewScanner(strings.NewReader(body))
		for lines.Scan() {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue
			}
			events++
			last = data
			var c completion
			if json.Unmarshal([]byte(data), &c) != nil || len(c.Choices) == 0 {
				continue
			}
			if c.Choices[0].Delta != nil {
				text += c.Choices[0].Delta.Content
			} else {
				text += *c.Choices[0].Text
			}
		}
		want := ""
		if whole.Choices[0].Message != nil {
			want = whole.Choices[0].Message.Content
		} else {
			want = *whole.Choices[0].Text
		}
		if text != want || text == "" {
			t.Errorf("%s: streamed %q, whole %q", tt.path, text, want)
		}
		if events != 9+3 || last != "[DONE]" { // tokens, the reason, the usage, the end
			t.Errorf("%s: %d events, the last %q", tt.path, events, last)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	url := start(t)
	for _, tt := range []struct{ body, want string }{
		{`{`, "no request"},
		{`{"prompt":"a","max_tokens":0}`, "max_tokens"},
		{`{"prompt":"a","max_tokens":5000}`, "max_tokens"},
		{`{"prompt":["a","b"]}`, "list of prompts"},
		{`{"prompt":[999999]}`, "vocabulary"},
	} {
		status, body := post(t, url+"/v1/completions", tt.body)
		if status != http.StatusBadRequest || !strings.Contains(body, tt.want) {
			t.Errorf("%s: %d %s", tt.body, status, body)
		}
	}
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	if !strings.Contains(string(b), `vllm:num_requests_running{model_name="profscope-tiny"} 0`) {
		t.Errorf("%s", b)
	}
}

// TestProfile: what a recording has is the model's work, and of a route's
// requests too, by the workers that joined.
func TestProfile(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PROFSCOPE_DIR", dir)
	url := start(t)
	if status, body := post(t, url+"/start_profile", ""); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := post(t, url+"/v1/completions", `{"prompt":"the water","max_tokens":20,"ignore_eos":true}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	status, body := post(t, url+"/stop_profile", "")
	var stopped struct{ Path string }
	if err := json.Unmarshal([]byte(body), &stopped); err != nil || status != http.StatusOK {
		t.Fatalf("%d %s: %v", status, body, err)
	}
	if err := cprofile.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{stopped.Path, filepath.Join(dir, "route-POST_v1_completions.prof")} {
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		p, err := profile.Parse(f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, fn := range p.Function {
			found = found || strings.HasSuffix(fn.Name, "llm.(*Engine).work")
		}
		if !found {
			t.Errorf("%s has nothing of the workers", file)
		}
	}
}
