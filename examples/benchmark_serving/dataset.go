package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/profscope/profscope/examples/serving/llm"
)

// prompt is one request to be made. Its lengths are in tokens of the example
// server; another server's tokenizer may count otherwise, and what it says
// itself is what the report shows.
type prompt struct {
	text          string
	input, output int
}

func (o *options) load() ([]prompt, error) {
	rnd := rand.New(rand.NewPCG(o.seed, 3))
	switch o.dataset {
	case "random":
		return o.random(rnd), nil
	case "sharegpt":
		if o.datasetPath == "" {
			return nil, errors.New("--dataset-name sharegpt needs --dataset-path")
		}
		return o.sharegpt(rnd)
	}
	return nil, fmt.Errorf("--dataset-name %q: random and sharegpt work", o.dataset)
}

func (o *options) random(rnd *rand.Rand) []prompt {
	words := llm.Words()
	all := make([]prompt, o.prompts)
	for i := range all {
		text := make([]string, o.inputLen)
		for j := range text {
			text[j] = words[rnd.IntN(len(words))]
		}
		all[i] = prompt{strings.Join(text, " "), o.inputLen, o.outputLen}
	}
	return all
}

// sharegpt takes the first question of each conversation, and the length of
// the answer that it got.
func (o *options) sharegpt(rnd *rand.Rand) ([]prompt, error) {
	body, err := os.ReadFile(o.datasetPath)
	if err != nil {
		return nil, err
	}
	var conversations []struct {
		Turns []struct {
			Value string `json:"value"`
		} `json:"conversations"`
	}
	if err := json.Unmarshal(body, &conversations); err != nil {
		return nil, fmt.Errorf("%s is no ShareGPT dataset: %w", o.datasetPath, err)
	}
	rnd.Shuffle(len(conversations), func(i, j int) {
		conversations[i], conversations[j] = conversations[j], conversations[i]
	})
	var all []prompt
	for _, c := range conversations {
		if len(all) == o.prompts {
			break
		}
		if len(c.Turns) < 2 {
			continue
		}
		in, out := len(llm.Encode(c.Turns[0].Value)), len(llm.Encode(c.Turns[1].Value))
		// Neither the very short ones nor those that no small server takes.
		if in < 4 || out < 4 || in > 1024 || in+out > 2048 {
			continue
		}
		all = append(all, prompt{c.Turns[0].Value, in, out})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no conversation of a usable length", o.datasetPath)
	}
	return all, nil
}
