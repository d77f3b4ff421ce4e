package faults

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// controlPaths are those of the sandbox's own surface, which never fails: rules
// could not be taken back.
const controlPaths = "/_sandbox/"

// maxForm is how much of a form is looked through, in bytes.
const maxForm = 1 << 20

// request is what rules look at.
type request struct {
	method, target, action, path string
	form                         url.Values
}

func (q request) matches(r Rule) bool {
	for name, value := range r.Form {
		if !slices.Contains(q.form[name], value) {
			return false
		}
	}
	return (r.Method == "" || r.Method == q.method) &&
		(strings.Contains(q.target, r.Match) || strings.Contains(q.action, r.Match) || strings.Contains(q.path, r.Match))
}

// read reads what a request asks for. Its body can still be read.
func read(r *http.Request) request {
	q := request{method: r.Method, target: r.Header.Get("X-Amz-Target"), path: r.URL.Path, action: r.URL.Query().Get("Action")}
	if isForm(r) {
		raw, _ := io.ReadAll(io.LimitReader(r.Body, maxForm)) // who reads on gets the error
		q.form, _ = url.ParseQuery(string(raw))               // what of it is a form
		q.action = cmp.Or(q.form.Get("Action"), q.action)
		r.Body = body{io.MultiReader(bytes.NewReader(raw), r.Body), r.Body}
	}
	return q
}

func isForm(r *http.Request) bool {
	return strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// body is one of which the beginning was read before.
type body struct {
	io.Reader
	io.Closer
}

// Wrap returns a handler whose requests fail as the rules say. What others do
// goes to next.
func (f *Faults) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, controlPaths) || f.none() {
			next.ServeHTTP(w, r)
			return
		}
		rule, struck := f.strike(read(r))
		if !struck {
			next.ServeHTTP(w, r)
			return
		}
		switch rule.Kind {
		case Status:
			answer(w, r, rule)
		case Lost:
			next.ServeHTTP(hold(w), r)
			panic(http.ErrAbortHandler)
		case Refused:
			panic(http.ErrAbortHandler)
		case Kill:
			held := hold(w)
			next.ServeHTTP(held, r)
			f.kill()
			held.send(w)
		}
	})
}

// held is an answer that is not sent yet.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// hold begins an answer with what the header has already.
func hold(w http.ResponseWriter) *held { return &held{header: w.Header().Clone()} }

// Header implements [http.ResponseWriter].
func (h *held) Header() http.Header { return h.header }

// WriteHeader implements [http.ResponseWriter].
func (h *held) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

// Write implements [http.ResponseWriter].
func (h *held) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(p)
}

// send sends it to whoever is still there.
func (h *held) send(w http.ResponseWriter) {
	clear(w.Header())
	maps.Copy(w.Header(), h.header)
	h.WriteHeader(http.StatusOK) // of an answer without a body
	w.WriteHeader(h.status)
	_, _ = w.Write(h.body.Bytes())
}
