package edge

import (
	"encoding/base64"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/entragate/entragate/sandbox/edge/mapping"
)

// payloadFormat is the payload format version of the events here. A member
// without a value is left out, as in events that were seen.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
const payloadFormat = "2.0"

// authorizerEvent is what a Lambda authorizer is asked.
type authorizerEvent struct {
	requestEvent
	Type           string   `json:"type"`
	RouteARN       string   `json:"routeArn"`
	IdentitySource []string `json:"identitySource"` // the values; null without sources (a guess)
}

// proxyEvent is what a Lambda proxy integration gets.
type proxyEvent struct {
	requestEvent
	Body            string `json:"body,omitempty"`
	IsBase64Encoded bool   `json:"isBase64Encoded"`
}

// requestEvent is what both have of the request.
type requestEvent struct {
	Version               string            `json:"version"`
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies,omitempty"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext        requestContext    `json:"requestContext"`
	PathParameters        map[string]string `json:"pathParameters,omitempty"`
	StageVariables        map[string]string `json:"stageVariables,omitempty"`
}

type requestContext struct {
	AccountID    string         `json:"accountId"`
	APIID        string         `json:"apiId"`
	Authorizer   map[string]any `json:"authorizer,omitempty"`
	DomainName   string         `json:"domainName"`
	DomainPrefix string         `json:"domainPrefix"`
	HTTP         httpContext    `json:"http"`
	RequestID    string         `json:"requestId"`
	RouteKey     string         `json:"routeKey"`
	Stage        string         `json:"stage"`
	Time         string         `json:"time"`
	TimeEpoch    int64          `json:"timeEpoch"`
}

type httpContext struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// jwtContext is what a JWT authorizer hands on: every claim as text; the
// scopes only of a route that asks for some, and then all of the token's.
// https://github.com/floci-io/floci/pull/2011
type jwtContext struct {
	Claims map[string]string `json:"claims"`
	Scopes []string          `json:"scopes"`
}

// authorizerEvent makes the event for a Lambda authorizer.
func (x *exchange) authorizerEvent(identity []string) authorizerEvent {
	return authorizerEvent{
		requestEvent: x.requestEvent(x.eventRequest(nil)),
		Type:         "REQUEST", RouteARN: x.routeARN(), IdentitySource: identity,
	}
}

// proxyEvent makes the event for a Lambda backend.
func (x *exchange) proxyEvent(parameters []mapping.Parameter, body []byte) proxyEvent {
	event := proxyEvent{requestEvent: x.requestEvent(x.eventRequest(parameters))}
	event.RequestContext.Authorizer = x.authorizerContext()
	if event.Body = string(body); !isText(x.r.Header.Get("Content-Type"), body) {
		event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return event
}

// routeARN names the route of the request for the policies of authorizers,
// with the request's own method and path, the latter as it came (a guess).
func (x *exchange) routeARN() string {
	return x.edge.executionARN(x.api.id, x.stage.name+"/"+x.r.Method+x.path)
}

// eventRequest is the request as an event tells it: without what concerns one
// connection, with what API Gateway adds, and mapped. Events that were seen
// have these headers (https://github.com/floci-io/floci/issues/2172); what
// becomes of the caller's own X-Forwarded headers is a guess, and so is that
// the port is the one of the Host header.
func (x *exchange) eventRequest(parameters []mapping.Parameter) *http.Request {
	u := *x.r.URL
	req := &http.Request{Method: x.r.Method, URL: &u, Host: x.r.Host, Header: x.r.Header.Clone()}
	removeHopByHop(req.Header)
	x.addTraceID(req.Header)
	source := hostname(x.r.RemoteAddr)
	if earlier := req.Header.Values("X-Forwarded-For"); len(earlier) > 0 {
		source = strings.Join(earlier, ", ") + ", " + source
	}
	proto, port := "http", "80"
	if x.r.TLS != nil {
		proto, port = "https", "443"
	}
	if _, explicit, err := net.SplitHostPort(x.r.Host); err == nil {
		port = explicit
	}
	req.Header.Set("X-Forwarded-For", source)
	req.Header.Set("X-Forwarded-Port", port)
	req.Header.Set("X-Forwarded-Proto", proto)
	req.Header.Set("Content-Length", strconv.FormatInt(x.r.ContentLength, 10))
	x.mapRequest(parameters, req)
	return req
}

// requestEvent tells a request. The path is decoded, and begins with a stage
// that has a name (https://github.com/middleapi/standard-server/pull/93 and
// https://github.com/aws-powertools/powertools-lambda-python/issues/621).
// Cookies are not among the headers, since libraries add them (a guess).
func (x *exchange) requestEvent(r *http.Request) requestEvent {
	event := requestEvent{
		Version: payloadFormat, RouteKey: x.route.key, RawPath: r.URL.Path, RawQueryString: r.URL.RawQuery,
		Headers: map[string]string{"host": r.Host}, StageVariables: x.stage.variables,
		RequestContext: requestContext{
			AccountID: x.context("accountId"), APIID: x.api.id,
			DomainName: x.context("domainName"), DomainPrefix: x.context("domainPrefix"),
			HTTP: httpContext{
				Method: x.r.Method, Path: x.r.URL.Path, Protocol: x.context("protocol"),
				SourceIP: x.context("identity.sourceIp"), UserAgent: x.r.UserAgent(),
			},
			RequestID: x.id, RouteKey: x.route.key, Stage: x.stage.name,
			Time: x.context("requestTime"), TimeEpoch: x.started.UnixMilli(),
		},
	}
	for name, values := range r.Header {
		if name != "Cookie" {
			event.Headers[strings.ToLower(name)] = strings.Join(values, ",")
			continue
		}
		for cookie := range strings.SplitSeq(strings.Join(values, ";"), ";") {
			if cookie = strings.TrimSpace(cookie); cookie != "" {
				event.Cookies = append(event.Cookies, cookie)
			}
		}
	}
	if query := r.URL.Query(); len(query) > 0 {
		event.QueryStringParameters = make(map[string]string, len(query))
		for name, values := range query {
			event.QueryStringParameters[name] = strings.Join(values, ",")
		}
	}
	if len(x.variables) > 0 {
		event.PathParameters = make(map[string]string, len(x.variables))
		for _, v := range x.variables {
			event.PathParameters[v.Name] = v.Value
		}
	}
	return event
}

// authorizerContext is what a backend learns about the caller, nothing on an
// open route. That a Lambda authorizer without a context leaves null is a
// guess.
func (x *exchange) authorizerContext() map[string]any {
	switch {
	case x.decision != nil:
		return map[string]any{"lambda": x.decision.context}
	case x.claims != nil:
		jwt := jwtContext{Claims: make(map[string]string, len(x.claims))}
		for name := range x.claims {
			if text, ok := x.claims.Text(name); ok {
				jwt.Claims[name] = text
			}
		}
		if len(x.route.scopes) > 0 {
			jwt.Scopes = x.claims.Scopes()
		}
		return map[string]any{"jwt": jwt}
	}
	return nil
}

// textTypes are the content types, apart from text/*, whose bodies come as
// text. All others, forms and +json among them, come in base64, as was
// measured: https://github.com/ministackorg/ministack/pull/766
var textTypes = map[string]bool{"application/json": true, "application/javascript": true, "application/xml": true}

// isText reports whether a body comes as text. One that JSON cannot hold does
// not, whatever its type (a guess).
func isText(contentType string, body []byte) bool {
	if len(body) == 0 {
		return true
	}
	mediaType, _, _ := mime.ParseMediaType(contentType)
	return (textTypes[mediaType] || strings.HasPrefix(mediaType, "text/")) && utf8.Valid(body)
}
