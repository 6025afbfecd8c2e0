package cprofile_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/profscope/profscope/cprofile"
)

// TestSystemCallOfKnownLength sleeps in the kernel.
func TestSystemCallOfKnownLength(t *testing.T) {
	t.Parallel()
	var got, measured time.Duration
	lateAtMost(func() time.Duration {
		k := measure(t, func(*cprofile.Profile) {
			begin := time.Now()
			sleepInKernel()
			measured = time.Since(begin)
		})
		got = k.wall(where{role: "self", state: "syscall", fns: []string{pkg + "sleepInKernel", "syscall.Nanosleep"}})
		return got
	})
	between(t, "in the system call", got, nap, measured)
}

//go:noinline
func sleepInKernel() {
	for ts := syscall.NsecToTimespec(int64(nap)); ; {
		var left syscall.Timespec
		if syscall.Nanosleep(&ts, &left) != syscall.EINTR {
			return
		}
		ts = left // the profiler's signal
	}
}

// TestBlockingDescriptor reads a pipe that the poller does not know.
func TestBlockingDescriptor(t *testing.T) {
	t.Parallel()
	var got, measured time.Duration
	lateAtMost(func() time.Duration {
		var k known
		k, measured = readDescriptor(t)
		got = k.wall(where{role: "self", state: "syscall", fns: []string{"syscall.Read"}})
		return got
	})
	between(t, "in the system call", got, nap, measured)
}

func readDescriptor(t *testing.T) (k known, measured time.Duration) {
	var fds [2]int
	if err := syscall.Pipe(fds[:]); err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fds[0])
	defer syscall.Close(fds[1])
	about := make(chan bool)
	go func() {
		<-about
		time.Sleep(nap)
		syscall.Write(fds[1], []byte{1})
	}()
	k = measure(t, func(*cprofile.Profile) {
		close(about)
		begin := time.Now()
		for {
			if _, err := syscall.Read(fds[0], make([]byte, 1)); err != syscall.EINTR {
				break
			}
		}
		measured = time.Since(begin)
	})
	return k, measured
}

// TestFsync compares what fsync takes with what the program measures.
func TestFsync(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "synced"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var measured time.Duration
	k := measure(t, func(*cprofile.Profile) {
		begin := time.Now()
		for range 10 {
			f.Write(make([]byte, 1<<16))
			f.Sync()
		}
		measured = time.Since(begin)
	})
	got := k.wall(where{role: "self", state: "syscall", fns: []string{"os.(*File).Sync"}})
	between(t, "in fsync", got, 0, measured)
	if got == 0 {
		t.Error("no time in fsync")
	}
}

// threadCPU returns the CPU time of the calling thread, without telling the
// scheduler, whose trace would show a system call.
func threadCPU() time.Duration {
	var ts unix.Timespec
	unix.RawSyscall(unix.SYS_CLOCK_GETTIME, unix.CLOCK_THREAD_CPUTIME_ID, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}

// burn runs until the thread has had d of CPU time and returns what it had.
//
//go:noinline
func burn(d time.Duration) time.Duration {
	begin := threadCPU()
	for x := uint64(1); ; { // local: -race would look at a global's every access
		for range 10000 {
			x = x*31 + 1
		}
		if had := threadCPU() - begin; had >= d || x == 0 {
			return had
		}
	}
}

// TestCPU runs a loop that the thread's own CPU clock measures. Running time
// is at least that: a thread that gets CPU time for user code holds a P. A
// tenth is left for what the scheduler takes on that thread.
func TestCPU(t *testing.T) {
	t.Parallel()
	const d = 200 * time.Millisecond
	var had time.Duration
	k := whole(t, func() known {
		return measure(t, func(*cprofile.Profile) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			had = burn(d)
		})
	})
	if k.Running < had*9/10 {
		t.Errorf("running for %v, the thread's CPU clock says %v", k.Running, had)
	}
	// At 100 Hz of CPU time there are 20 samples; one is enough to name it,
	// and then all of the running time goes to what was sampled.
	if k.Stats.CPU == 0 {
		t.Fatal("no CPU sample")
	}
	if got := k.wall(where{state: "running", fns: []string{pkg + "burn"}}); got < k.Running/2 {
		t.Errorf("%v of %v running are in the loop", got, k.Running)
	}
}
