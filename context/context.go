// Package context opens scopes that follow blocks and requests instead of
// functions. It is meant to be imported as profctx:
//
//	defer profctx.Start("block.prof")()
package context

import (
	"context"

	"github.com/profscope/profscope/cprofile"
	"github.com/profscope/profscope/internal/session"
)

// Start opens a scope on the calling goroutine and returns the function that
// ends it, on whichever goroutine. Its second call does nothing. Names and
// options are those of package cprofile.
func Start(file string, opts ...cprofile.Option) (stop func() error) {
	return session.OpenScope(file, opts...).End
}

// With is Start for a request that passes through several goroutines: the
// context that it returns carries the scope, for [Join]. A nil ctx is taken for
// an empty one.
func With(ctx context.Context, file string, opts ...cprofile.Option) (context.Context, func() error) {
	if ctx == nil { // and none may panic when the scope is open
		ctx = context.Background()
	}
	s := session.OpenScope(file, opts...)
	return s.Attach(ctx), s.End
}

// Join makes the calling goroutine take part in ctx's scope until leave is
// called: a worker of a pool that is older than the scope is otherwise no
// member of it. Joins are counted; a goroutine that is a member already keeps
// its role. A worker leaves when it has handed over its answer: who is woken by a
// goroutine that has left has waited for one outside. Without an open scope in
// ctx, Join does nothing; a second leave of the same Join does nothing.
func Join(ctx context.Context) (leave func()) { return session.Join(ctx) }
