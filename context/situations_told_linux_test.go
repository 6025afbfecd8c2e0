package context_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"golang.org/x/sys/unix"

	profctx "github.com/profscope/profscope/context"
	"github.com/profscope/profscope/cprofile"
)

var _ = declare(map[string]func(){
	"two doors, two OnErrors": func() {
		// Neither Stop waits for the write: both doors are told of its failure.
		outer := profctx.Start("outer.prof")
		var told [2]chan error
		var scopes [2]cprofile.Scope
		for i := range told {
			told[i] = make(chan error, 100)
			scopes[i] = cprofile.New("/dev/full", cprofile.OnError(func(err error) { told[i] <- err })).Start()
		}
		for _, s := range scopes {
			must(s.Stop())
		}
		for i := range told {
			select {
			case err := <-told[i]:
				wantError(err, "/dev/full")
			case <-time.After(time.Minute):
				die("door %d is not told", i)
			}
		}
		must(outer())
		// A failed retry is told to both again.
		for i := range told {
			for len(told[i]) > 0 {
				<-told[i]
			}
		}
		wantError(cprofile.Flush(), "/dev/full")
		for i := range told {
			if len(told[i]) != 1 {
				die("door %d is told %d times by one Flush", i, len(told[i]))
			}
		}
	},
	"one attempt a Flush": func() {
		var told atomic.Int64
		p := cprofile.New("/dev/full", cprofile.OnError(func(error) { told.Add(1) }))
		hot := func() {
			for i := 0; p.Start().Stop() != nil; i++ { // until nothing is written at an end
				if i == 10_000 {
					die("every end writes")
				}
			}
		}
		const rounds = 20
		var during int64
		for range rounds {
			hot()
			before := told.Load()
			wantError(cprofile.Flush(), "/dev/full")
			during += told.Load() - before
		}
		// The keeper's own attempts may fall in between, once a second.
		if during < rounds || during > rounds*3/2 {
			die("%d attempts in %d Flushes", during, rounds)
		}
	},
	"a door a call": func() {
		// The budget for writing at ends is the file's, though each call makes
		// a door: at some call nothing is written, and so nothing fails.
		quiet := cprofile.OnError(func(error) {})
		for i := 0; profctx.Start("/dev/full", quiet)() != nil; i++ {
			if i == 10_000 {
				die("every end writes")
			}
		}
	},
	"disk fills up": func() {
		name := filepath.Join(os.Getenv("DISK"), "a.prof")
		parse := func() *profile.Profile {
			b, err := os.ReadFile(name)
			must(err)
			p, err := profile.ParseData(b)
			must(err)
			must(p.CheckValid())
			return p
		}
		p := cprofile.New(name, cprofile.OnError(func(error) {}))
		nap := func() error {
			s := p.Start()
			time.Sleep(5 * time.Millisecond)
			return s.Stop()
		}
		must(nap())
		old := parse().DurationNanos

		filler := filepath.Join(os.Getenv("DISK"), "filler")
		f, err := os.Create(filler)
		must(err)
		for err == nil {
			_, err = f.Write(make([]byte, 1024))
		}
		must(f.Close())
		if !errors.Is(err, syscall.ENOSPC) {
			die("filling the disk: %v", err)
		}

		err = nap()
		if wantError(err, name); !errors.Is(err, syscall.ENOSPC) {
			die("error %q does not tell that the disk is full", err)
		}
		if err := cprofile.Flush(); !errors.Is(err, syscall.ENOSPC) {
			die("Flush: %v", err)
		}
		if got := parse().DurationNanos; got != old {
			die("the file is of %d ns, the old one was of %d", got, old)
		}
		must(os.Remove(filler))
		must(cprofile.Flush())
		fmt.Println(old)
	},
})

func TestToldOfFailures(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"two doors, two OnErrors", "one attempt a Flush", "a door a call"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if o := meet(t, name, 0); o.stdout != "" {
				t.Errorf("stdout %q", o.stdout)
			}
		})
	}
}

// TestDiskFillsUp has a disk of its own that is full for a while.
func TestDiskFillsUp(t *testing.T) {
	t.Parallel()
	disk := t.TempDir()
	if err := unix.Mount("tmpfs", disk, "tmpfs", 0, "size=256k"); err != nil {
		t.Skip("only root mounts a file system, run as root:", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(disk, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	o := meet(t, "disk fills up", 0, "DISK="+disk)
	var old int64
	if _, err := fmt.Sscan(o.stdout, &old); err != nil {
		t.Fatal(err)
	}
	o.dir = disk
	p := o.profile(t, "a.prof")
	calls(t, p, "2")
	if p.DurationNanos < old+ms(5) {
		t.Errorf("%d ns after %d: the call that failed is not in it", p.DurationNanos, old)
	}
	if got := o.names(t); len(got) != 1 {
		t.Errorf("left on the disk: %q", got)
	}
}
