package wire

import (
	"net/http"
	"strings"
)

// ServeJSON11 answers one request of a service that speaks [JSON11]: the header
// X-Amz-Target is target, which ends in a dot, and the name of an operation. An
// operation without a result is answered with an empty object.
func ServeJSON11(w http.ResponseWriter, r *http.Request, target, service string, operations map[string]func(*http.Request) (any, error)) {
	name, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), target)
	run, ok := operations[name]
	if !ok {
		JSON11.WriteError(w, NotImplemented(service+" operation "+name))
		return
	}
	result, err := run(r)
	if err != nil {
		JSON11.WriteError(w, err)
		return
	}
	if result == nil {
		result = struct{}{}
	}
	JSON11.Write(w, http.StatusOK, result)
}
