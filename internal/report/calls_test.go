package report

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestCallsMissed: calls that an OnCall function was too slow for are told, once.
func TestCallsMissed(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	defer slog.SetDefault(before)

	var q callQueue
	given := 0
	for range 2 {
		hold := make(chan struct{})
		busy := make(chan struct{})
		q.put(func(Stats) { close(busy); <-hold }, Stats{})
		<-busy
		for range maxCalls + 3 {
			q.put(func(Stats) { given++ }, Stats{})
		}
		close(hold)
		q.drain(time.Minute)
	}
	if given != 2*maxCalls {
		t.Errorf("%d calls were given, want %d", given, 2*maxCalls)
	}
	if n := strings.Count(log.String(), "OnCall"); n != 1 || !strings.Contains(log.String(), "missed=3") {
		t.Errorf("%d lines in %q", n, log.String())
	}
}
