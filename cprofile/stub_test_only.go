// DROP AT MERGE: a stand-in for the engine, so that this branch compiles.

package cprofile

import "sync/atomic"

type config struct{ enabled bool }

type Option func(*config)

func Enabled(on bool) Option { return func(c *config) { c.enabled = on } }

type Profile struct {
	config
	begun, ended atomic.Int64
}

type Stats struct{ Calls int64 }

func New(file string, opts ...Option) *Profile {
	p := &Profile{config: config{enabled: true}}
	for _, o := range opts {
		o(&p.config)
	}
	return p
}

func (p *Profile) enabled() bool { return p.config.enabled }

func (p *Profile) Start() Scope {
	if !p.enabled() {
		return Scope{}
	}
	p.begun.Add(1)
	return Scope{p}
}

func (p *Profile) Stats() Stats { return Stats{Calls: p.ended.Load()} }

type Scope struct{ p *Profile }

func (s Scope) Stop() error {
	if s.p != nil {
		s.p.ended.Add(1)
	}
	return nil
}

func Flush() error { return nil }
