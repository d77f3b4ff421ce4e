package edge

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/entragate/entragate/sandbox/edge/mapping"
	"github.com/entragate/entragate/sandbox/edge/routekey"
)

// backendRequest makes the request for the backend: the caller's method,
// headers, query string and body, with what a proxy adds, and then the
// integration's parameter mappings.
func (x *exchange) backendRequest(ctx context.Context, i *integration) (*http.Request, error) {
	u, err := x.backendURL(i)
	if err != nil {
		return nil, err
	}
	method := x.r.Method
	if i.method != "" && i.method != routekey.AnyMethod {
		method = i.method
	}
	req := (&http.Request{
		Method: method, URL: u, Host: u.Host, Header: x.r.Header.Clone(),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	if x.r.ContentLength > 0 {
		req.Body, req.ContentLength = x.r.Body, x.r.ContentLength
	}
	removeHopByHop(req.Header)
	x.addProxyHeaders(req.Header)
	x.mapRequest(i.request, req)
	return req, nil
}

// addProxyHeaders adds Forwarded and Via, which HTTP APIs send in place of the
// X-Forwarded headers, those passing through as they came
// (https://github.com/expressjs/session/issues/886). A Forwarded header of the
// caller stays in front, as RFC 7239 has it (a guess).
func (x *exchange) addProxyHeaders(h http.Header) {
	by := "127.0.0.1"
	if addr, ok := x.r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		by = hostname(addr.String())
	}
	proto := "http"
	if x.r.TLS != nil {
		proto = "https"
	}
	forwarded := "by=" + by + ";for=" + hostname(x.r.RemoteAddr) + ";host=" + x.r.Host + ";proto=" + proto
	if earlier := h.Values("Forwarded"); len(earlier) > 0 {
		forwarded = strings.Join(earlier, ", ") + ", " + forwarded
	}
	h.Set("Forwarded", forwarded)
	h.Add("Via", "HTTP/1.1 AmazonAPIGateway")
	x.addTraceID(h)
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = []string{""} // keeps Go's own from being sent
	}
}

// addTraceID adds a trace id when the caller sent none (a guess). The request
// has one, which authorizer and backend both see.
func (x *exchange) addTraceID(h http.Header) {
	if h.Get("X-Amzn-Trace-Id") != "" {
		return
	}
	if x.traceID == "" {
		var id [12]byte
		_, _ = rand.Read(id[:]) // never fails
		x.traceID = fmt.Sprintf("Root=1-%08x-%s", x.started.Unix(), hex.EncodeToString(id[:]))
	}
	h.Set("X-Amzn-Trace-Id", x.traceID)
}

// hopByHop headers concern one connection (RFC 9110, section 7.6.1).
var hopByHop = []string{
	"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection",
	"Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func removeHopByHop(h http.Header) {
	for _, value := range h.Values("Connection") {
		for name := range strings.SplitSeq(value, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopByHop {
		h.Del(name)
	}
}

// mapRequest applies request parameters. All values come from the caller's
// request, whatever the order of the mappings.
func (x *exchange) mapRequest(parameters []mapping.Parameter, req *http.Request) {
	var query url.Values
	for _, p := range parameters {
		value, ok := p.Value.Eval(x.lookup)
		if !ok && p.Action != mapping.Remove {
			continue
		}
		switch p.Target {
		case mapping.TargetHeader:
			if p.Name == "Host" && p.Action != mapping.Remove {
				req.Host = value // Go sends the field, not a header of that name
				continue
			}
			change(req.Header, p, value)
		case mapping.TargetQueryString:
			if query == nil {
				query = req.URL.Query()
			}
			change(query, p, value)
		case mapping.TargetPath:
			setPath(req.URL, value)
		case mapping.TargetStatus: // of responses only
		}
	}
	if query != nil {
		req.URL.RawQuery = query.Encode()
	}
}

// setPath replaces the path by an escaped one. What is not escaped well is
// taken for text that is to be escaped (a guess).
func setPath(u *url.URL, escaped string) {
	if decoded, err := url.PathUnescape(escaped); err == nil {
		u.Path, u.RawPath = decoded, escaped
	} else {
		u.Path, u.RawPath = escaped, ""
	}
}

// mapResponse applies response parameters to the backend's headers and
// returns the status.
func (x *exchange) mapResponse(parameters []mapping.Parameter, h http.Header, status int) int {
	original := h
	if len(parameters) > 0 {
		original = h.Clone()
	}
	lookup := func(kind mapping.Kind, name string) (string, bool) {
		if kind == mapping.ResponseHeader {
			return joined(original.Values(name))
		}
		return x.lookup(kind, name)
	}
	for _, p := range parameters {
		value, ok := p.Value.Eval(lookup)
		switch {
		case !ok && p.Action != mapping.Remove:
		case p.Target == mapping.TargetStatus:
			if mapped, err := strconv.Atoi(value); err == nil {
				status = mapped
			}
		case p.Target == mapping.TargetHeader:
			change(h, p, value)
		}
	}
	return status
}

// change applies a mapping to headers or to a query string, both of which map
// a name to values.
func change(values map[string][]string, p mapping.Parameter, value string) {
	switch p.Action {
	case mapping.Append:
		values[p.Name] = append(values[p.Name], value)
	case mapping.Overwrite:
		values[p.Name] = []string{value}
	case mapping.Remove:
		delete(values, p.Name)
	}
}

// lookup is the [mapping.Lookup] of the request. Several values of a header
// or of a query string are combined by commas, as AWS documents.
func (x *exchange) lookup(kind mapping.Kind, name string) (string, bool) {
	switch kind {
	case mapping.Header:
		if strings.EqualFold(name, "Host") {
			return x.r.Host, true
		}
		return joined(x.r.Header.Values(name))
	case mapping.QueryString:
		return joined(x.r.URL.Query()[name])
	case mapping.Path:
		return x.path, true
	case mapping.PathParameter, mapping.URIPathVariable:
		for _, v := range x.variables {
			if v.Name == name && kind == mapping.URIPathVariable {
				return v.Escaped, true
			} else if v.Name == name {
				return v.Value, true
			}
		}
	case mapping.Context:
		value := x.context(name)
		return value, value != ""
	case mapping.StageVariable:
		value, ok := x.stage.variables[name]
		return value, ok
	case mapping.ResponseHeader: // there is no response yet
	}
	return "", false
}

func joined(values []string) (string, bool) {
	return strings.Join(values, ","), len(values) > 0
}
