// Package report leads a recording to its destinations: trace to spans, spans
// to ledgers, ledgers through an encoder to a file or stdout. It is the only
// place where those parts meet.
package report

import (
	"github.com/profscope/profscope/internal/attrib"
	"github.com/profscope/profscope/internal/dest"
)

// The marks of a scope's edges, for the one who writes them into the trace.
const (
	CategoryBegin = attrib.CategoryBegin
	CategoryEnd   = attrib.CategoryEnd
	CategoryJoin  = attrib.CategoryJoin
	CategoryLeave = attrib.CategoryLeave
	CategoryName  = attrib.CategoryName
)

// ErrVersion is the error of [Engine.Consume] for a trace that is too new.
var ErrVersion = attrib.ErrVersion

// ErrFormat is the error for a format that is not known, or cannot be written.
var ErrFormat = dest.ErrFormat

// Readable tells whether a trace that begins so can be read; see
// attrib.Readable.
func Readable(header []byte) bool { return attrib.Readable(header) }
