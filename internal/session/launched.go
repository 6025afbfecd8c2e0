package session

// The launcher records programs that link profscope, however they were built:
// the recorder does nothing unless the launcher's variable is in the
// environment, and then it has the tracer as any program's own trace.Start.
import _ "github.com/profscope/profscope/internal/launch/stub"
