package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"runtime"
	"time"
)

// listenOptions say where pages are served.
type listenOptions struct {
	addr      string
	noBrowser bool
}

// serve shows the pages until ctx ends, or until POST /end.
func (a *app) serve(ctx context.Context, pages http.Handler, o listenOptions) error {
	l, err := net.Listen("tcp", o.addr)
	if err != nil {
		return usagef("--addr %s: %w", o.addr, err)
	}
	defer l.Close()
	url := "http://" + l.Addr().String()
	if ip := l.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
		fmt.Fprintf(a.stderr, "profscope: %s is not on this machine alone: whoever reaches it can read the files\n", l.Addr())
	}
	fmt.Fprintf(a.stdout, "%s (Ctrl-C ends)\n", url)
	if !o.noBrowser {
		if err := openBrowser(url); err != nil {
			fmt.Fprintf(a.stderr, "profscope: no browser could be opened (%v): open the address yourself\n", err)
		}
	}
	ended := make(chan struct{}, 1)
	mux := http.NewServeMux()
	mux.Handle("/", pages)
	mux.HandleFunc("POST /end", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
		select {
		case ended <- struct{}{}:
		default:
		}
	})
	// Another site's page may not end it.
	s := &http.Server{Handler: ownHost(l.Addr(), http.NewCrossOriginProtection().Handler(mux)), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- s.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ended:
		// The answer to who asked goes out first.
		quick, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_ = s.Shutdown(quick)
	case <-ctx.Done():
	}
	_ = s.Close()
	return nil
}

// ownHost refuses requests for another host than the one listened on: a page
// somewhere whose name is made to lead here could otherwise read the profile
// (DNS rebinding).
func ownHost(addr net.Addr, next http.Handler) http.Handler {
	listen, port, _ := net.SplitHostPort(addr.String())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, p, err := net.SplitHostPort(r.Host)
		if err != nil {
			host, p = r.Host, "80"
		}
		ip := net.ParseIP(host)
		if p != port || host != "localhost" && host != listen && (ip == nil || !net.ParseIP(listen).IsUnspecified()) {
			http.Error(w, "this page is not served under that name", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func openBrowser(url string) error {
	switch runtime.GOOS {
	case "darwin":
		return exec.Command("open", url).Start()
	case "windows":
		return exec.Command("rundll32", "url.dll,FileProtocolHandler", url).Start()
	}
	path, err := exec.LookPath("xdg-open")
	if err != nil {
		return errors.New("xdg-open is not installed")
	}
	return exec.Command(path, url).Start()
}
