package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// do asks the server.
func (at attachment) do(ctx context.Context, method, path, body string) (int, []byte, error) {
	return at.ask(ctx, method, path, body, nil)
}

// fetch asks for what may be of any size, and hands it on.
func (at attachment) fetch(ctx context.Context, path string, to io.Writer) (int, []byte, error) {
	return at.ask(ctx, http.MethodGet, path, "", to)
}

// maxAnswer bounds what a server says. More of it is not read.
const maxAnswer = 1 << 20

// ask returns the answer, up to maxAnswer, but one of status 200 goes to to, if
// there is one.
func (at attachment) ask(ctx context.Context, method, path, body string, to io.Writer) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, at.base+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if at.token != "" {
		req.Header.Set("Authorization", "Bearer "+at.token)
	}
	resp, err := cmp.Or(at.client, http.DefaultClient).Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	if to != nil && resp.StatusCode == http.StatusOK {
		if _, err = io.Copy(to, resp.Body); err != nil {
			err = fmt.Errorf("%s%s: %w", at.base, path, err)
		}
		return resp.StatusCode, nil, err
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp.StatusCode, b, err
}

// must is do for what must succeed; the answer, if it is wanted, is JSON.
func (at attachment) must(ctx context.Context, method, path, body string, answer any) error {
	status, b, err := at.do(ctx, method, path, body)
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return at.refused(path, status, b)
	case answer == nil:
		return nil
	case len(b) == maxAnswer:
		return fmt.Errorf("%s%s: the answer has %d bytes and more: this is no server that we know", at.base, path, maxAnswer)
	}
	if err := json.Unmarshal(b, answer); err != nil {
		return fmt.Errorf("%s%s: the answer: %w", at.base, path, err)
	}
	return nil
}

// refused is the error for an answer that is none: whole, where the server says
// in JSON what it is about.
func (at attachment) refused(path string, status int, answer []byte) error {
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(answer, &said) != nil || said.Error == "" {
		said.Error = fmt.Sprintf("%.200s", bytes.TrimSpace(answer))
	}
	return fmt.Errorf("%s%s: status %d: %s", at.base, path, status, clean(strings.TrimPrefix(said.Error, "profscope: ")))
}
