package httpprofile

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guard decides who is answered.
//
//  1. A web page may not make a browser ask (http.CrossOriginProtection, for
//     requests that only read too: making a profile costs something).
//  2. With a token, everybody must have it, for a proxy's requests all come from
//     this machine.
//  3. Without one, the peer must be this machine, not speak for somebody else,
//     and call the server by an address or a name that is known: a page of a
//     name that its owner has led to 127.0.0.1 is of the same origin for a
//     browser (DNS rebinding).
type guard struct {
	token string
	hosts []string
	cross http.CrossOriginProtection
}

func (g *guard) check(r *http.Request) error {
	asWrite := *r // reads are asked as if they wrote
	asWrite.Method = http.MethodPost
	if err := g.cross.Check(&asWrite); err != nil {
		return failf(http.StatusForbidden, "%v", err)
	}
	if g.token != "" {
		if !g.hasToken(r) {
			return failf(http.StatusUnauthorized, "a token is required: send Authorization: Bearer TOKEN, the token of PROFSCOPE_TOKEN")
		}
		return nil
	}
	if !isLocal(r) {
		return failf(http.StatusForbidden, "only requests from the machine itself are answered: set PROFSCOPE_TOKEN where the server is, and send it")
	}
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip"} {
		if r.Header.Get(h) != "" {
			return failf(http.StatusForbidden, "the request came through a proxy (%s), and may be anybody's: set PROFSCOPE_TOKEN where the server is, and send it", h)
		}
	}
	if !g.knownHost(r.Host) {
		return failf(http.StatusForbidden, "the host %q is neither localhost nor an address: use one, or allow the name with the option Hosts", r.Host)
	}
	return nil
}

// hasToken compares in a time that tells nothing of the token, nor of its
// length.
func (g *guard) hasToken(r *http.Request) bool {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	want, got := sha256.Sum256([]byte(g.token)), sha256.Sum256([]byte(strings.TrimSpace(given)))
	return strings.EqualFold(scheme, "bearer") && subtle.ConstantTimeCompare(want[:], got[:]) == 1
}

// isLocal reports whether the peer is this machine: by a loopback address, or
// by a socket that has no addresses.
func isLocal(r *http.Request) bool {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && a.Network() == "unix" {
		return true
	}
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

func (g *guard) knownHost(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return true // no name, so nobody has led it here
	}
	return strings.EqualFold(name, "localhost") ||
		slices.ContainsFunc(g.hosts, func(h string) bool { return strings.EqualFold(h, name) })
}
