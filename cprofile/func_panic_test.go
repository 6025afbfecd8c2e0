package cprofile

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
)

func (document) index() map[string]int { return nil }

// panicking panics as its kind says, below a function whose name is to be
// found in the stack.
func panicking(kind any) {
	switch kind {
	case "index":
		var none []int
		_ = none[len(none)]
	case "map":
		document{}.index()["a"] = 1
	case "nil function":
		var none func()
		none()
	default:
		panic(kind)
	}
}

// TestFuncPanic: the value comes through as it is, the stack is that of the
// panic, and the scope has ended.
func TestFuncPanic(t *testing.T) {
	p := New(profileFile(t))
	direct := wrap(p, panicking).(func(any))
	byReflection := wrap(p, func(kind any, _ *document) *document { panicking(kind); return nil }).(func(any, *document) *document)
	ways := map[string]func(any){
		"direct":     direct,
		"reflection": func(kind any) { byReflection(kind, nil) },
		"nested":     wrap(p, func(kind any) { byReflection(kind, nil) }).(func(any)),
	}
	ended := int64(0)
	for name, way := range ways {
		for _, value := range []any{"text", 42, io.EOF, &document{}, nil, "index", "map", "nil function"} {
			var got any
			var stack string
			func() {
				defer func() { got, stack = recover(), string(debug.Stack()) }()
				way(value)
				t.Errorf("%s, %v: returned", name, value)
			}()
			switch value {
			case nil:
				if _, ok := got.(*runtime.PanicNilError); !ok {
					t.Errorf("%s, panic(nil): got %v", name, got)
				}
			case "index", "map", "nil function":
				if _, ok := got.(runtime.Error); !ok {
					t.Errorf("%s, %v: got %T %v, want a runtime.Error", name, value, got, got)
				}
			default:
				if got != value {
					t.Errorf("%s: got %v, want %v", name, got, value)
				}
			}
			if !strings.Contains(stack, "cprofile.panicking(") {
				t.Errorf("%s, %v: where it panicked is lost:\n%s", name, value, stack)
			}
			if ended++; name == "nested" {
				ended++
			}
			if n := calls(t, p); n != ended {
				t.Errorf("%s, %v: %d calls ended, want %d", name, value, n, ended)
			}
		}
	}
}

// TestFuncRecovers: a function that recovers from its own panic is not
// disturbed in it.
func TestFuncRecovers(t *testing.T) {
	guarded := Func(profileFile(t), func(d *document) (err error) {
		defer func() { err = fmt.Errorf("recovered: %v", recover()) }()
		return fmt.Errorf("%d words", len(d.words))
	})
	if err := guarded(nil); err == nil || !strings.Contains(err.Error(), "nil pointer") {
		t.Errorf("got %v", err)
	}
}

func TestFuncGoexit(t *testing.T) {
	p := New(profileFile(t))
	byReflection := wrap(p, func(*document) { runtime.Goexit() }).(func(*document))
	ways := []func(){
		wrap(p, runtime.Goexit).(func()),
		func() { byReflection(nil) },
	}
	for i, way := range ways {
		var recovered any
		returned := false
		var wg sync.WaitGroup
		wg.Go(func() {
			defer func() { recovered = recover() }()
			way()
			returned = true
		})
		wg.Wait()
		if returned || recovered != nil {
			t.Errorf("%d: returned %t, recovered %v", i, returned, recovered)
		}
		if n := calls(t, p); n != int64(i+1) {
			t.Errorf("%d: %d calls ended", i, n)
		}
	}
}
