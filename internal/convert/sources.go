package convert

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"

	"github.com/profscope/profscope/internal/ledger"
)

// StartLines returns a function that finds where a function begins, in the
// source file that its frame names, if that is on this machine: a trace tells
// the lines at which a function was seen and not the one of its func keyword. It
// returns 0 where that is not known: where the file is not here, or is another
// by now, so that what stands at the line is not a function of that name.
func StartLines() func(ledger.Frame) int64 {
	files := make(map[string]*source)
	return func(f ledger.Frame) int64 {
		src, ok := files[f.File]
		if !ok {
			src = readSource(f.File)
			files[f.File] = src
		}
		return src.start(f)
	}
}

// maxSource bounds what is parsed: a trace may name any file.
const maxSource = 4 << 20

// source has the functions of a file.
type source struct {
	functions []sourceFunc
	links     map[string]string // by //go:linkname: what a function is called elsewhere
}

type sourceFunc struct {
	name        string // of the declaration
	literals    int    // that it is within, itself among them; 0 is the declaration
	first, last int64  // lines
}

// readSource returns what there is of the file, nothing if it cannot be read.
func readSource(name string) *source {
	s := &source{links: make(map[string]string)}
	if !filepath.IsAbs(name) || filepath.Ext(name) != ".go" {
		return s
	}
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() || info.Size() > maxSource {
		return s
	}
	files := token.NewFileSet()
	tree, err := parser.ParseFile(files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return s
	}
	line := func(at token.Pos) int64 { // whatever a //line comment says
		return int64(files.PositionFor(at, false).Line)
	}
	var within func(name string, literals int, in ast.Node)
	within = func(name string, literals int, in ast.Node) {
		s.functions = append(s.functions, sourceFunc{name, literals, line(in.Pos()), line(in.End())})
		ast.Inspect(in, func(n ast.Node) bool {
			lit, ok := n.(*ast.FuncLit)
			if !ok || n == in {
				return true
			}
			within(name, literals+1, lit)
			return false
		})
	}
	for _, d := range tree.Decls {
		name := ""
		if f, ok := d.(*ast.FuncDecl); ok {
			name = f.Name.Name
		}
		within(name, 0, d) // others hold literals
	}
	for _, group := range tree.Comments {
		for _, c := range group.List {
			if w := strings.Fields(c.Text); len(w) == 3 && w[0] == "//go:linkname" {
				s.links[w[1]] = w[2]
			}
		}
	}
	return s
}

func (s *source) start(f ledger.Frame) int64 {
	name, literals := calledInSource(f.Func)
	found := int64(0)
	for _, fn := range s.functions {
		if f.Line < fn.first || fn.last < f.Line || fn.literals != literals {
			continue
		}
		if literals == 0 && fn.name != name && (fn.name == "" || s.links[fn.name] != f.Func) {
			continue
		}
		if found != 0 {
			return 0 // two on a line
		}
		found = fn.first
	}
	return found
}

// calledInSource returns the name that a function of that symbol is declared
// by, or how many literals it is within: example.com/a.(*T[...]).M is M, and
// a.F.func1.2 a literal in a literal.
func calledInSource(symbol string) (name string, literals int) {
	var plain strings.Builder // without type arguments
	depth := 0
	for _, c := range symbol {
		switch {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case depth == 0:
			plain.WriteRune(c)
		}
	}
	parts := strings.Split(plain.String()[strings.LastIndexByte(plain.String(), '/')+1:], ".")
	last := parts[len(parts)-1]
	for len(parts) > 1 && strings.Trim(last, "0123456789") == "" { // a literal within one
		literals++
		parts = parts[:len(parts)-1]
		last = parts[len(parts)-1]
	}
	if n := strings.TrimPrefix(last, "func"); n != last && n != "" && strings.Trim(n, "0123456789") == "" {
		return "", literals + 1
	}
	return strings.TrimSuffix(last, "-fm"), 0
}
