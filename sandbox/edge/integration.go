package edge

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/edge/mapping"
)

// integration is a compiled HTTP or Lambda proxy integration.
type integration struct {
	method    string // ANY keeps the request's
	uri       mapping.Expression
	function  string // ARN; else it is an HTTP proxy, with the two above
	request   []mapping.Parameter
	responses map[int][]mapping.Parameter // keyed by the backend's status
	timeout   time.Duration
	fault     string // why the integration answers 500, if it does
}

// integrationResult is what the access log tells about the backend.
type integrationResult struct {
	called     bool
	status     int // 0 until the backend answered
	apiStatus  int // Lambda's own
	latency    time.Duration
	fault      string
	requestID  string
	requestID2 string
}

// newIntegration compiles an integration. One that the sandbox cannot serve
// gets a fault.
func newIntegration(from *apigateway.Integration) *integration {
	i := &integration{
		method:    from.IntegrationMethod,
		timeout:   time.Duration(from.TimeoutInMillis) * time.Millisecond,
		responses: map[int][]mapping.Parameter{},
	}
	if i.timeout == 0 {
		i.timeout = 30 * time.Second // the default, and the most
	}
	var errURI, errRequest error
	switch internet := from.ConnectionType == "" || from.ConnectionType == "INTERNET"; {
	case from.IntegrationType == "HTTP_PROXY" && internet:
		i.uri, errURI = mapping.ParseURI(from.IntegrationURI)
	case from.IntegrationType == "AWS_PROXY" && internet && from.IntegrationSubtype == "":
		i.function, errURI = compileFunction(from)
	default:
		kind := strings.TrimSpace(from.IntegrationType + " " + from.IntegrationSubtype)
		i.fault = fmt.Sprintf("integration type %s over %s is not implemented by the sandbox", kind, from.ConnectionType)
		return i
	}
	i.request, errRequest = mapping.ParseRequest(from.RequestParameters)
	err := errors.Join(errURI, errRequest)
	for code, parameters := range from.ResponseParameters {
		status, errStatus := strconv.Atoi(code)
		parsed, errParameters := mapping.ParseResponse(parameters)
		i.responses[status] = parsed
		err = errors.Join(err, errStatus, errParameters)
	}
	if err != nil {
		i.fault = err.Error()
	}
	return i
}

// compileFunction returns the function of a Lambda proxy integration.
func compileFunction(from *apigateway.Integration) (arn string, err error) {
	switch {
	case from.PayloadFormatVersion != payloadFormat:
		return "", fmt.Errorf("integration payload format version %q is not implemented by the sandbox", from.PayloadFormatVersion)
	case from.CredentialsARN != "":
		return "", errors.New("credentials of an integration are not implemented by the sandbox")
	}
	return functionARN(from.IntegrationURI)
}

// proxy calls the backend and passes on its answer.
func (x *exchange) proxy() {
	i := x.route.integration
	if i.fault != "" {
		x.integration.fault = i.fault
		x.refuse(errIntegration)
		return
	}
	if i.function != "" {
		x.proxyToFunction(i)
		return
	}
	ctx, cancel := context.WithTimeout(x.r.Context(), i.timeout)
	defer cancel()
	req, err := x.backendRequest(ctx, i)
	if err != nil {
		x.integration.fault = err.Error()
		x.refuse(errIntegration)
		return
	}
	called := x.edge.options.Now()
	got, err := call(transport(x.edge.options.Client), req)
	x.integration.called = true
	x.integration.latency = x.edge.options.Now().Sub(called)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		x.integration.fault = fmt.Sprintf("the backend did not answer within %s", i.timeout)
		x.refuse(errTimeout)
		return
	case errors.Is(err, errTooLong):
		x.integration.fault = err.Error()
		x.refuse(errIntegration)
		return
	case err != nil:
		x.integration.fault = err.Error()
		x.refuse(errUnavailable)
		return
	}
	x.integration.status = got.status
	x.integration.requestID = firstOf(got.header, "X-Amz-Request-Id", "X-Amzn-Requestid")
	x.integration.requestID2 = got.header.Get("X-Amz-Id-2")
	x.passOn(got, i.responses[got.status])
}

// backendAnswer is what a backend answered.
type backendAnswer struct {
	status int
	header http.Header
	body   []byte
}

// call sends a request and reads the whole answer, which counts towards the
// timeout: HTTP APIs do not stream.
func call(rt http.RoundTripper, req *http.Request) (backendAnswer, error) {
	resp, err := rt.RoundTrip(req)
	if err != nil {
		return backendAnswer{}, err
	}
	defer resp.Body.Close()
	body, err := readLimited(resp.Body)
	return backendAnswer{resp.StatusCode, resp.Header, body}, err
}

// passOn answers with what the backend answered.
func (x *exchange) passOn(got backendAnswer, parameters []mapping.Parameter) {
	removeHopByHop(got.header)
	status := x.mapResponse(parameters, got.header, got.status)
	h := x.w.Header()
	maps.Copy(h, got.header)
	if h.Get("Content-Type") == "" {
		h["Content-Type"] = nil // or the server would guess one from the body
	}
	if x.r.Method != http.MethodHead {
		h.Del("Content-Length") // what was read counts; the server may have unzipped it
	}
	x.answer(status, got.body)
}

// backendURL is the integration's URI with path and stage variables filled
// in, and the request's query string. Nothing else of the request's path is
// added to it.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-http.html
func (x *exchange) backendURL(i *integration) (*url.URL, error) {
	for _, name := range i.uri.References(mapping.URIPathVariable) {
		if _, ok := x.lookup(mapping.URIPathVariable, name); !ok {
			return nil, fmt.Errorf("integration URI: route %s has no path variable %q", x.route.key, name)
		}
	}
	text, _ := i.uri.Eval(x.lookup)
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fmt.Errorf("integration URI: got %q, want an http or https URL", text)
	}
	switch {
	case u.RawQuery == "":
		u.RawQuery = x.r.URL.RawQuery
	case x.r.URL.RawQuery != "":
		u.RawQuery += "&" + x.r.URL.RawQuery
	}
	return u, nil
}

func firstOf(h http.Header, names ...string) string {
	for _, name := range names {
		if value := h.Get(name); value != "" {
			return value
		}
	}
	return ""
}
