package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/profscope/profscope/internal/convert"
)

// listsProfiles tells an answer of httpprofile's from that of a server which has
// a page for every path: an object with the array profiles. It may be cut, for
// there is any number of them.
func listsProfiles(answer []byte) bool {
	d := json.NewDecoder(bytes.NewReader(answer))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return false
		}
		if name == "profiles" {
			t, err := d.Token()
			return err == nil && t == json.Delim('[')
		}
		if err := d.Decode(new(json.RawMessage)); err != nil {
			return false
		}
	}
	return false
}

// attachProfiles is for httpprofile. The stop is sent when the user has
// interrupted, too.
func (a *app) attachProfiles(ctx context.Context, at attachment) error {
	has := at.ending
	if has == ".html" { // it needs pprof's interface, which no server links for it
		has = ".prof"
	}
	body := fmt.Sprintf(`{"name":"attach-%d","format":%q}`, os.Getpid(), strings.TrimPrefix(has, "."))
	var begun, result struct {
		Path string `json:"path"`
	}
	if err := at.start(ctx, body, &begun); err != nil {
		return err
	}
	err := at.watch(ctx, fmt.Sprintf("/profiles/attach-%d", os.Getpid()))
	if err == nil {
		ctx = spent(ctx)
		err = at.must(ctx, http.MethodPost, "/stop_profile", body, &result)
	}
	var gone *url.Error // there was no answer, not even an error's
	switch {
	case errors.As(err, &gone) && ctx.Err() == nil:
		err = fmt.Errorf("the server went away (%v): the recording is lost with it", gone.Err)
	case err == nil && result.Path == "":
		err = at.unknown()
	}
	if err != nil {
		if begun.Path != "" {
			err = fmt.Errorf("%w; if anything remains of it, then on the server in %s", err, clean(filepath.Dir(begun.Path)))
		}
		return err
	}
	file, err := newSpool(at.room)
	if err != nil {
		return err
	}
	defer file.close()
	status, answer, err := at.fetch(ctx, "/profiles/"+filepath.Base(result.Path), file)
	if err == nil && status != http.StatusOK {
		err = at.refused("/profiles/"+filepath.Base(result.Path), status, answer)
	}
	if err != nil {
		return fmt.Errorf("the profile is on the server in %s: %w", clean(result.Path), err)
	}
	r, err := file.reader()
	if err == nil {
		err = convert.Verify(r, has)
	}
	if err != nil {
		return fmt.Errorf("%s/profiles/%s: %w: nothing is written", at.base, clean(filepath.Base(result.Path)), err)
	}
	return a.attached(at, file, has)
}

// pollEvery is short for who waits for a server that has gone, and long for the
// server, whose recording has the answers in it.
const pollEvery = 2 * time.Second

// watch is wait, for a recording that the server loses when it ends: it returns an
// error soon after. The server is asked for the recording's file, which it refuses
// while it records. Not to answer in time is no sign: it may be busy.
func (at attachment) watch(ctx context.Context, path string) error {
	enough, cancel := context.WithTimeout(ctx, at.duration)
	defer cancel()
	seen, failed := false, 0
	for {
		next := pollEvery
		if failed > 0 {
			next /= 4
		}
		if wait(enough, next); enough.Err() != nil {
			return nil
		}
		asking, cancel := context.WithTimeout(enough, at.patience)
		status, _, err := at.ask(asking, http.MethodGet, path, "", io.Discard)
		late := asking.Err() != nil
		cancel()
		switch {
		case late:
		case err != nil:
			if failed++; failed > 1 {
				return err
			}
			continue
		case status == http.StatusConflict:
			seen = true
		case status == http.StatusNotFound && seen:
			return at.unknown()
		}
		failed = 0
	}
}

func (at attachment) unknown() error {
	return fmt.Errorf("%s has no recording of ours any more: it was started anew, or somebody removed that", at.base)
}

// start begins the server's recording. An interrupt does not take that back, and
// the answer is waited for: only that tells whether there is something to be
// stopped. If none comes, the stop is sent all the same where recordings have
// names: to none of ours maybe, which does no harm. Where they have none it could
// end somebody else's.
func (at attachment) start(ctx context.Context, body string, answer any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	starting, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(at.patience, giveUp) })()
	err := at.must(starting, http.MethodPost, "/start_profile", body, answer)
	if starting.Err() == nil {
		return err
	}
	if body == "" {
		return fmt.Errorf("interrupted before the server had answered /start_profile: it may be recording, for us or, since before, for somebody else, and was not told to stop: POST %s/stop_profile does that", at.base)
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), at.patience)
	defer cancel()
	if err := at.must(stopping, http.MethodPost, "/stop_profile", body, nil); err != nil {
		return fmt.Errorf("interrupted before the server had answered /start_profile: it may be recording, and POST %s/stop_profile ends that, but gave: %w", at.base, err)
	}
	return errors.New("interrupted before the server had answered /start_profile: it was told to stop")
}
