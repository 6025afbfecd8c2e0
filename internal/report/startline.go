package report

import (
	"reflect"
	"runtime"
)

// startLine returns the line on which the function fn at pc of this process
// begins, 0 if it cannot be had. runtime.Frame keeps it unexported, for
// inlined functions too, where runtime.FuncForPC is wrong; a test fails should
// the field go.
func startLine(pc uint64, fn string) int64 {
	// A trace has the address of the call, CallersFrames takes the one after it:
	// the instruction before a call may be an inlined function's.
	frames := runtime.CallersFrames([]uintptr{uintptr(pc) + 1})
	for {
		f, more := frames.Next()
		if f.Function == fn {
			v := reflect.ValueOf(&f).Elem().FieldByName("startLine")
			if !v.IsValid() || !v.CanInt() {
				return 0
			}
			return v.Int()
		}
		if !more {
			return 0
		}
	}
}
