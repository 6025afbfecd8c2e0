package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// attachFolder drives a server that leaves its files in a folder.
func (a *app) attachFolder(ctx context.Context, at attachment) error {
	before, err := folderTimes(at.dir)
	if err != nil {
		return err
	}
	if err := at.start(ctx, "", nil); err != nil {
		return err
	}
	wait(ctx, at.duration)
	if err := at.must(spent(ctx), http.MethodPost, "/stop_profile", "", nil); err != nil {
		return err
	}
	after, err := folderTimes(at.dir)
	if err != nil {
		return err
	}
	found := false
	for name, t := range after {
		if old, was := before[name]; !was || !old.Equal(t) {
			found = true
			fmt.Fprintln(a.stdout, name)
		}
	}
	if !found {
		return fmt.Errorf("%s: the server has left no file there: is it the folder of its own configuration?", at.dir)
	}
	return nil
}

func folderTimes(dir string) (map[string]time.Time, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	times := map[string]time.Time{}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			times[filepath.Join(dir, e.Name())] = info.ModTime()
		}
	}
	return times, nil
}
