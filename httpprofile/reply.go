package httpprofile

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// failure is an error with the status that it is answered by.
type failure struct {
	status int
	err    error
	fields map[string]any // of the answer, beside error
}

func failf(status int, format string, args ...any) *failure {
	return &failure{status: status, err: fmt.Errorf(format, args...)}
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

// refuse answers with an error, as JSON.
func refuse(w http.ResponseWriter, err error) {
	body := map[string]any{}
	status := http.StatusInternalServerError
	var f *failure
	if errors.As(err, &f) {
		status = f.status
		for k, v := range f.fields {
			body[k] = v
		}
	}
	body["error"] = err.Error()
	reply(w, status, body)
}

// reply answers with JSON. A client that has gone is no error of ours.
func reply(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // all that is replied is made here, of strings and numbers
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}
