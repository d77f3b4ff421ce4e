package edge

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/edge/routekey"
)

// exchange is one request on its way, and all that its access log line tells.
type exchange struct {
	edge    *Edge
	w       http.ResponseWriter
	r       *http.Request
	id      string
	started time.Time

	api       *compiledAPI
	stage     *stage
	route     *route
	path      string // escaped, without the stage
	variables []routekey.Variable

	traceID         string    // made when it is needed
	claims          Claims    // nil until a JWT authorizer let the caller through
	decision        *decision // nil until a Lambda authorizer did
	authorizerError string
	gatewayError    gatewayError // zero unless the gateway itself answered
	integration     integrationResult

	unlogged       bool
	status         int
	requestLength  int64 // of the body, in bytes
	responseLength int64
}

// gatewayError is an answer that API Gateway makes itself.
type gatewayError struct {
	status  int
	message string
	// kind is the gateway response type of REST APIs; what HTTP APIs put into
	// $context.error.responseType is not documented (a guess).
	// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
	kind string
}

// The status of a header that is too large is a guess, and that an unknown API
// is forbidden too: AWS has no host for it. That a backend which times out
// makes a 503 was seen (https://github.com/cortexlabs/cortex/issues/1225); that
// one which cannot be reached makes one too is a guess.
var (
	errUnauthorized    = gatewayError{http.StatusUnauthorized, "Unauthorized", "UNAUTHORIZED"}
	errForbidden       = gatewayError{http.StatusForbidden, "Forbidden", "ACCESS_DENIED"}
	errNotFound        = gatewayError{http.StatusNotFound, "Not Found", "RESOURCE_NOT_FOUND"}
	errTooManyRequests = gatewayError{http.StatusTooManyRequests, "Too Many Requests", "THROTTLED"}
	errPayloadTooLarge = gatewayError{http.StatusRequestEntityTooLarge, "Request Entity Too Large", "REQUEST_TOO_LARGE"}
	errHeaderTooLarge  = gatewayError{http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large", "DEFAULT_4XX"}
	errBadRequest      = gatewayError{http.StatusBadRequest, "Bad Request", "DEFAULT_4XX"}
	errAuthorizer      = gatewayError{http.StatusInternalServerError, "Internal Server Error", "AUTHORIZER_FAILURE"}
	errIntegration     = gatewayError{http.StatusInternalServerError, "Internal Server Error", "INTEGRATION_FAILURE"}
	errUnavailable     = gatewayError{http.StatusServiceUnavailable, "Service Unavailable", "INTEGRATION_FAILURE"}
	errTimeout         = gatewayError{http.StatusServiceUnavailable, "Service Unavailable", "INTEGRATION_TIMEOUT"}
)

func newExchange(e *Edge, w http.ResponseWriter, r *http.Request) *exchange {
	// Request ids look like "RL2XYiwjPHcEMEQ=": eleven bytes in base64.
	var id [11]byte
	_, _ = rand.Read(id[:]) // never fails
	return &exchange{
		edge: e, w: w, r: r, started: e.options.Now(),
		id: base64.URLEncoding.EncodeToString(id[:]),
	}
}

// serve takes the request through the steps that [Edge] lists.
func (x *exchange) serve() {
	if headerBytes(x.r) > MaxHeaderBytes {
		x.refuse(errHeaderTooLarge)
		return
	}
	if err := x.limitBody(); err != nil {
		x.unlogged = true // documented: API Gateway does not log a 413
		x.refuse(*err)
		return
	}
	if !x.selectAPI() || !x.selectRoute() {
		return
	}
	if x.route.bucket != nil && !x.route.bucket.AllowN(x.started, 1) {
		x.refuse(errTooManyRequests)
		return
	}
	if x.authorize() {
		x.proxy()
	}
}

// selectAPI finds the API by the host. A throttled account is "excessive 429",
// which API Gateway does not log: no stage is known yet.
func (x *exchange) selectAPI() bool {
	id, ok := x.edge.apiID(x.r.Host)
	if ok {
		x.api, ok = x.edge.api(id)
	}
	switch {
	case !ok:
		x.refuse(errForbidden)
	case x.api.disabled:
		x.refuse(errNotFound) // a guess: AWS says only that clients cannot call it
	case !x.edge.account.AllowN(x.started, 1):
		x.refuse(errTooManyRequests)
	default:
		return true
	}
	return false
}

// selectRoute finds stage and route, and answers a preflight.
func (x *exchange) selectRoute() bool {
	x.selectStage()
	if x.stage == nil {
		x.refuse(errNotFound)
		return false
	}
	x.route, x.variables = x.stage.routes.find(x.r.Method, x.path)
	unrouted := x.route == nil
	if x.stage.cors != nil && isPreflight(x.r) && (unrouted || x.edge.options.Preflight == PreflightAlways) {
		x.route = nil
		x.answer(http.StatusNoContent, nil) // the status is a guess from experience
		return false
	}
	if unrouted {
		x.refuse(errNotFound)
	}
	return !unrouted
}

// defaultStage is the stage without a name in its paths.
const defaultStage = "$default"

// selectStage takes the stage that the path starts with, else $default: "If
// the request explicitly matches a stage, API Gateway sends the request to
// that stage. If no stage fully matches the request, API Gateway sends the
// request to the $default stage".
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
func (x *exchange) selectStage() {
	path := x.r.URL.EscapedPath()
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // "OPTIONS *", for example
	}
	first, rest, _ := strings.Cut(path[1:], "/")
	if s := x.api.stages[first]; s != nil && first != defaultStage {
		x.stage, x.path = s, "/"+rest
		return
	}
	x.stage, x.path = x.api.stages[defaultStage], path
}

// authorize lets the request through or refuses it.
func (x *exchange) authorize() bool {
	switch {
	case x.route.authorizerFault != "":
		x.authorizerError = x.route.authorizerFault
		x.refuse(errAuthorizer)
		return false
	case x.route.jwt != nil:
		return x.authorizeByToken(x.route.jwt)
	case x.route.lambda != nil:
		return x.authorizeByFunction(x.route.lambda)
	}
	return true
}

func (x *exchange) authorizeByToken(a *jwtAuthorizer) bool {
	refusal := &Refusal{Reason: ReasonNoToken, Status: http.StatusUnauthorized}
	if token, ok := a.source.token(x.r); ok {
		x.claims, refusal = a.Decide(token, x.route.scopes)
	}
	if refusal == nil {
		return true
	}
	// Claims are documented to be logged "after the method caller is
	// successfully authenticated"; that a missing scope hides them is a guess.
	x.claims = nil
	x.authorizerError = refusal.LogError()
	x.w.Header().Set("Www-Authenticate", refusal.Challenge())
	if refusal.Status == http.StatusForbidden {
		x.refuse(errForbidden)
	} else {
		x.refuse(errUnauthorized)
	}
	return false
}

// refuse answers in the gateway's own name. That it adds CORS headers here
// too is a guess.
func (x *exchange) refuse(err gatewayError) {
	x.gatewayError = err
	x.w.Header().Set("Content-Type", "application/json")
	x.answer(err.status, []byte(`{"message":"`+err.message+`"}`))
}

// answer writes the response. Headers that are already set are sent with it.
func (x *exchange) answer(status int, body []byte) {
	x.status, x.responseLength = status, int64(len(body))
	h := x.w.Header()
	if x.stage != nil && x.stage.cors != nil {
		x.stage.cors.apply(h, x.r)
	}
	h.Set("Apigw-Requestid", x.id)
	hasBody := status != http.StatusNoContent && status != http.StatusNotModified && (x.r.Method != http.MethodHead || len(body) > 0)
	if hasBody && h.Get("Content-Length") == "" {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	x.w.WriteHeader(status)
	// An error here is the caller's connection, which has nobody to tell.
	_, _ = x.w.Write(body)
}

// log delivers the access log line, once the caller has the answer.
func (x *exchange) log() {
	sink := x.edge.options.Sink
	if sink == nil || x.unlogged || x.stage == nil || x.stage.log == nil {
		return
	}
	line := x.stage.log.Render(x.context)
	_ = http.NewResponseController(x.w).Flush() // not every writer can
	if err := sink.Deliver(x.stage.logGroup, logStream(x.started), x.started, line); err != nil {
		x.edge.options.Logger.Error("access log line not delivered",
			"logGroup", x.stage.logGroup, "requestId", x.id, "error", err)
	}
}

// logStream names a stream for each hour. How API Gateway names its streams
// is not documented (a guess).
func logStream(at time.Time) string { return at.UTC().Format("2006-01-02-15-00-000000") }

// limitBody refuses a body that is too large. One of unknown length is read
// first, as API Gateway does not stream.
func (x *exchange) limitBody() *gatewayError {
	if x.r.ContentLength >= 0 {
		x.requestLength = x.r.ContentLength
		if x.requestLength > MaxPayloadBytes {
			return &errPayloadTooLarge
		}
		return nil
	}
	body, err := readLimited(x.r.Body)
	switch {
	case errors.Is(err, errTooLong):
		return &errPayloadTooLarge
	case err != nil:
		return &errBadRequest
	}
	x.requestLength = int64(len(body))
	x.r.Body = io.NopCloser(bytes.NewReader(body))
	x.r.ContentLength = x.requestLength
	return nil
}

var errTooLong = errors.New("payload is longer than 10 MB")

// readLimited reads a body of at most [MaxPayloadBytes].
func readLimited(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, MaxPayloadBytes+1))
	if err == nil && len(body) > MaxPayloadBytes {
		err = errTooLong
	}
	return body, err
}

// headerBytes is the size of the request line and headers on HTTP/1.1.
func headerBytes(r *http.Request) int {
	const line, field = len("  HTTP/1.1\r\n"), len(": \r\n")
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI()
	}
	size := len(r.Method) + len(target) + line + len("Host") + len(r.Host) + field
	for name, values := range r.Header {
		for _, value := range values {
			size += len(name) + len(value) + field
		}
	}
	return size
}
