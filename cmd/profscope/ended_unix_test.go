//go:build unix

package main

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// terminate sends the process signals until it has ended, which takes two at
// most, but nobody sees when it hears the first.
func terminate(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	for begin := time.Now(); ; {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
			return
		case <-time.After(50 * time.Millisecond):
		}
		if time.Since(begin) > time.Minute {
			_ = cmd.Process.Kill()
			t.Errorf("%q does not end", cmd.Args)
			return
		}
	}
}

// TestEndedAsking: who steers a session that does not answer can give up.
func TestEndedAsking(t *testing.T) {
	t.Parallel()
	o := &operator{t, t.TempDir()}
	o.must("sessions", "list") // makes the folder
	l, err := net.Listen("unix", filepath.Join(o.dir, "profscope", "deaf.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	asked := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if n, _ := c.Read(make([]byte, 100)); n > 0 { // and no look at who listens
				asked <- c
			}
		}
	}()
	for _, verb := range []string{"stop", "snapshot"} {
		cmd, _ := o.command("sessions", verb)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		c := <-asked
		terminate(t, cmd)
		c.Close()
	}
}

// TestEndedBuilding: the signal ends the go command, too.
func TestEndedBuilding(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	marker, tool := filepath.Join(o.dir, "begun"), filepath.Join(o.dir, "tool")
	script := "#!/bin/sh\ntouch " + marker + "\nwhile test -e " + marker + "; do sleep 0.1; done\nexec \"$@\"\n"
	if err := os.WriteFile(tool, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(marker)
	cmd, _ := o.command("profile", "go", "build", "-toolexec", "/bin/sh "+tool, "-o", "slow", ".")
	cmd.Stderr = nil // no pipe: the tool holds it for longer than the launcher lives
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	o.until(func() bool { _, err := os.Stat(marker); return err == nil })
	terminate(t, cmd)
	if code := cmd.ProcessState.ExitCode(); code != 128+15 {
		t.Errorf("exit code %d", code)
	}
}

// TestEndedWriting: the program has ended, and its file finds no end.
func TestEndedWriting(t *testing.T) {
	t.Parallel()
	o := newOperator(t)
	fifo := filepath.Join(o.dir, "fifo.prof")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	fd, err := syscall.Open(fifo, syscall.O_RDWR|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	for err == nil { // until it is full
		_, err = syscall.Write(fd, make([]byte, 4096))
	}
	if !errors.Is(err, syscall.EAGAIN) {
		t.Fatal(err)
	}
	l := o.begin("-o", fifo)
	o.until(func() bool { // something is there to be written
		cmd, _ := o.command("sessions", "snapshot")
		return cmd.Run() == nil
	})
	if err := syscall.Kill(l.Processes[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	l.over = true
	terminate(t, l.cmd)
	if code := l.cmd.ProcessState.ExitCode(); code != -1 {
		t.Errorf("exit code %d: it was not ended while it wrote: %s", code, l.stderr)
	}
}

// TestHangUp: a terminal that goes ends a recording as an interrupt does, which
// stops the server's and brings the file; not where nohup keeps it away.
func TestHangUp(t *testing.T) {
	t.Parallel()
	profscope, err := exec.LookPath("profscope") // of testscript.Main
	if err != nil {
		t.Fatal(err)
	}
	profile := aProfile(t)
	// Where this process was started to ignore the signal, its children would too,
	// unless it listens.
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP)
	defer signal.Stop(heard)
	for _, ignored := range []bool{false, true} {
		started := make(chan struct{})
		mux := http.NewServeMux()
		mux.HandleFunc("GET /profiles", answers(`{"profiles":[]}`))
		mux.HandleFunc("POST /start_profile", answers(`{}`))
		mux.HandleFunc("POST /stop_profile", answers(`{"path":"x.prof"}`))
		mux.HandleFunc("GET /profiles/x.prof", answers(string(profile)))
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mux.ServeHTTP(w, r)
			if r.URL.Path == "/start_profile" {
				close(started)
			}
		}))
		defer s.Close()
		out := filepath.Join(t.TempDir(), "x.prof")
		cmd := exec.CommandContext(t.Context(), profscope, "attach", "-o", out, "--duration", "3600", s.URL)
		if ignored {
			cmd = exec.CommandContext(t.Context(), "sh", append([]string{"-c", `trap "" HUP; exec "$@"`, "sh"}, cmd.Args...)...)
		}
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-started
		if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if ignored {
			time.Sleep(100 * time.Millisecond) // time to take it for the end, wrongly
			if _, err := os.Stat(out); err == nil {
				t.Error("a signal that was ignored ended it")
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("ignored %t: %v: %s", ignored, err, &stderr)
		}
		if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, profile) {
			t.Errorf("ignored %t: %q, %v", ignored, got, err)
		}
	}
}
