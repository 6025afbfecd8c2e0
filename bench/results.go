package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// A section is a scenario's part of RESULTS.md, between two marker comments by
// which a later run finds and replaces it.
type section struct {
	name, title, about, origin string
	tables                     []table
}

func (s section) begin() string { return "<!-- begin " + s.name + " -->\n" }
func (s section) end() string   { return "<!-- end " + s.name + " -->\n" }

func (s section) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n%s\n\n%s\n", s.title, s.about, s.origin)
	for _, t := range s.tables {
		fmt.Fprintf(&b, "\n%s", t.text())
	}
	b.WriteString("\n")
	return b.String()
}

const resultsHead = `# What it costs

Written by ` + "`go run ./bench`" + `, section by section; each says when, how and on which machine it was measured.

A figure is the median over rounds of fresh processes, in brackets its interval of 95 % (with fewer than six
rounds the range). Overhead is a ratio to the same work in the same process without a profile, half of it before and
half after. The mode "none" has no profiler: what it shows is noise, and no smaller difference can be seen.
CPU time is the whole process's, from before the profile's start until its file is on the disk.

Verdicts: met, the whole interval is within the goal; met?, the median is; missed?, only the interval's lower
end is; missed, nothing of it.

`

// findings is the hand-written part. No run touches what is between its
// markers.
var findings = section{name: "findings"}

const findingsStart = `## Findings

`

// updateResults replaces s in the file at path, or adds it before the findings.
func updateResults(path string, s section) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := replaceSection(string(old), s)
	if err != nil {
		return fmt.Errorf("update %s: %w", path, err)
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// replaceSection keeps the sections in the order of scenarios(), whichever ran
// first, so that two runs of one machine can be compared line by line.
func replaceSection(old string, s section) (string, error) {
	parts := make(map[string]string)
	known := append(scenarioNames(), findings.name)
	for _, name := range known {
		body, found, err := cutSection(old, section{name: name})
		if err != nil {
			return "", err
		}
		if found {
			parts[name] = body
		}
	}
	if old != "" && len(parts) == 0 {
		return "", errors.New("no section markers in it: not a file of ours")
	}
	if !has(known, s.name) {
		return "", fmt.Errorf("section %q belongs to no scenario", s.name)
	}
	parts[s.name] = s.text()
	if _, ok := parts[findings.name]; !ok {
		parts[findings.name] = findingsStart
	}
	var b strings.Builder
	b.WriteString(resultsHead)
	for _, name := range known {
		if body, ok := parts[name]; ok {
			m := section{name: name}
			b.WriteString(m.begin() + body + m.end() + "\n")
		}
	}
	return b.String(), nil
}

func cutSection(text string, s section) (body string, found bool, err error) {
	_, after, ok := strings.Cut(text, s.begin())
	if !ok {
		return "", false, nil
	}
	body, _, ok = strings.Cut(after, s.end())
	if !ok {
		return "", false, fmt.Errorf("section %s has no end", s.name)
	}
	return body, true, nil
}
