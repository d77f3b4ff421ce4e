package runner

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxResponse is how much a function may answer, see
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html. The
// exact number is that of Lambda's message.
const maxResponse = 6291556

// api is what the program of a function calls.
func (i *instance) api() http.Handler {
	const runtime = "/2018-06-01/runtime"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+runtime+"/invocation/next", i.next)
	mux.HandleFunc("POST "+runtime+"/invocation/{id}/response", i.response)
	mux.HandleFunc("POST "+runtime+"/invocation/{id}/error", i.error)
	mux.HandleFunc("POST "+runtime+"/init/error", i.initError)
	return mux
}

// refuse answers in the shape of the API's errors.
func refuse(w http.ResponseWriter, status int, kind, message string) {
	answer(w, status, map[string]string{"errorType": kind, "errorMessage": message})
}

func accepted(w http.ResponseWriter) {
	answer(w, http.StatusAccepted, map[string]string{"status": "OK"})
}

func answer(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the program may have ended
}

// next waits for the next invocation, for as long as it takes.
func (i *instance) next(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	busy := i.current != nil
	i.asked = true
	i.mu.Unlock()
	if busy {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "Transition from Running to Ready is not allowed")
		return
	}
	select {
	case i.asks <- struct{}{}:
	default: // it asks again, after its connection broke
	}
	var inv *invocation
	select {
	case inv = <-i.work:
	case <-i.over:
		return
	case <-r.Context().Done():
		return
	}
	i.mu.Lock()
	i.current = inv
	i.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", inv.event.RequestID)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", inv.event.ARN)
	h.Set("Lambda-Runtime-Trace-Id", i.trace(inv.event))
	if inv.event.ClientContext != "" {
		h.Set("Lambda-Runtime-Client-Context", inv.event.ClientContext)
	}
	h.Set("Content-Length", strconv.Itoa(len(inv.event.Payload)))
	_, _ = w.Write(inv.event.Payload) // a program that is gone is seen by its exit
}

// trace returns the tracing header of an event. Nothing is sampled unless the
// function traces, and nothing keeps what is.
func (i *instance) trace(event Event) string {
	if event.TraceID != "" {
		return event.TraceID
	}
	random := make([]byte, 20)
	rand.Read(random) // never fails, see its documentation
	sampled := 0
	if i.fn.Traced {
		sampled = 1
	}
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=%d",
		time.Now().Unix(), hex.EncodeToString(random[:12]), hex.EncodeToString(random[12:]), sampled)
}

// answered takes the invocation that a program answers, or refuses the answer.
func (i *instance) answered(w http.ResponseWriter, r *http.Request) *invocation {
	i.mu.Lock()
	defer i.mu.Unlock()
	inv := i.current
	if inv == nil || inv.event.RequestID != r.PathValue("id") {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return nil
	}
	i.current = nil
	return inv
}

func (i *instance) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponse))
	inv := i.answered(w, r)
	if inv == nil {
		return
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", tooLarge.Error())
		inv.done <- outcome{failed: true, payload: tooMuch()}
		return
	}
	if err != nil { // the program broke off, and will end
		return
	}
	accepted(w)
	inv.done <- outcome{payload: body}
}

func tooMuch() []byte {
	return []byte(`{"errorType":"Function.ResponseSizeTooLarge","errorMessage":"Response payload size exceeded maximum allowed payload size (` +
		strconv.Itoa(maxResponse) + ` bytes)."}`)
}

func (i *instance) error(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponse))
	inv := i.answered(w, r)
	if inv == nil {
		return
	}
	if err != nil {
		body = tooMuch()
	}
	accepted(w)
	inv.done <- outcome{payload: body, failed: true}
}

func (i *instance) initError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponse))
	if err != nil {
		body = tooMuch()
	}
	i.mu.Lock()
	asked := i.asked
	i.asked = true
	i.mu.Unlock()
	if asked {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "Transition from Ready to InitError is not allowed")
		return
	}
	accepted(w)
	i.broken <- body
}
