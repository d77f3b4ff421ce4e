package cloudwatch

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Clients speak three protocols, by their age: Query, JSON 1.1 and CBOR
// (https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html).
const (
	// Target is the prefix of X-Amz-Target in JSON.
	Target   = "GraniteServiceVersion20100801."
	cborPath = "/service/GraniteServiceVersion20100801/operation/"

	// Namespace is that of the XML documents of Query.
	Namespace = "http://monitoring.amazonaws.com/doc/2010-08-01/"

	maxBody = 4 << 20 // of a request that was compressed
)

type protocol int

const (
	query protocol = iota
	jsonRPC
	cborRPC
)

func protocolOf(r *http.Request) protocol {
	switch {
	case strings.HasPrefix(r.URL.Path, cborPath):
		return cborRPC
	case r.Header.Get("X-Amz-Target") != "":
		return jsonRPC
	}
	return query
}

// request is one that was read but not understood yet.
type request struct {
	protocol  protocol
	operation string
	form      url.Values // of Query
	document  []byte     // JSON, of the others
}

// decode reads the members of a request.
func decode[T any](in request) (T, error) {
	var v T
	if in.protocol == query {
		return v, decodeForm(in.form, &v)
	}
	return v, wire.Decode(in.document, &v)
}

func read(r *http.Request) (request, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return request{}, refusal("SerializationException", "%v", err)
	}
	return parse(r, body)
}

// parse reads a request in any of the protocols.
func parse(r *http.Request, body []byte) (request, error) {
	in := request{protocol: protocolOf(r)}
	// SDKs compress large metric data.
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gunzip(body)
		if err != nil {
			return in, refusal("SerializationException", "%v", err)
		}
		body = unpacked
	}
	switch in.protocol {
	case cborRPC:
		in.operation = strings.TrimPrefix(r.URL.Path, cborPath)
		if len(body) == 0 {
			return in, nil
		}
		value, err := decodeCBOR(body)
		if err == nil {
			in.document, err = json.Marshal(value)
		}
		if err != nil {
			return in, refusal("SerializationException", "%v", err)
		}
	case jsonRPC:
		in.operation, in.document = strings.TrimPrefix(r.Header.Get("X-Amz-Target"), Target), body
	default:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return in, refusal("MalformedInput", "%v", err)
		}
		in.form, in.operation = form, cmp.Or(form.Get("Action"), r.URL.Query().Get("Action"))
	}
	return in, nil
}

func gunzip(body []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	unpacked, err := io.ReadAll(io.LimitReader(reader, maxBody+1))
	if err == nil && len(unpacked) > maxBody {
		return nil, errors.New("the body is too large")
	}
	return unpacked, err
}

// write answers a result; nil is none.
func (p protocol) write(w http.ResponseWriter, operation string, result any) {
	content := object{}
	if result != nil {
		content = treeOf(result).(object) // results are structs
	}
	switch p {
	case query:
		answer := object{{operation + "Result", content}, {"ResponseMetadata", object{{"RequestId", w.Header().Get(wire.RequestIDHeader)}}}}
		send(w, http.StatusOK, "text/xml", encodeXML(operation+"Response", answer))
	case jsonRPC:
		send(w, http.StatusOK, "application/x-amz-json-1.1", encodeJSON(content))
	default:
		w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
		send(w, http.StatusOK, "application/cbor", encodeCBOR(content))
	}
}

// queryCodes are the codes of Query where they are not those of the other
// protocols. Clients of those are told both, since they used to speak Query.
var queryCodes = map[string]string{
	"DashboardInvalidInputError":           "InvalidParameterInput",
	"DashboardNotFoundError":               "ResourceNotFound",
	"InternalServiceFault":                 "InternalServiceError",
	"InvalidFormatFault":                   "InvalidFormat",
	"InvalidParameterCombinationException": "InvalidParameterCombination",
	"InvalidParameterValueException":       "InvalidParameterValue",
	"LimitExceededFault":                   "LimitExceeded",
	"MissingRequiredParameterException":    "MissingParameter",
}

// WriteError answers a refusal in the protocol of a request, also those of what
// stands before the service. The request id must be in the header already.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	refused, ok := errors.AsType[*wire.Error](err)
	if !ok { // a fault of the sandbox itself
		refused = &wire.Error{Status: http.StatusInternalServerError, Code: "InternalServiceFault", Message: err.Error()}
	}
	code, fault := cmp.Or(queryCodes[refused.Code], refused.Code), "Sender"
	if refused.Status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	var problems []dashboardProblem
	if invalid, ok := errors.AsType[*dashboardError](err); ok {
		problems = invalid.problems
	}
	p := protocolOf(r)
	if p == query {
		detail := object{{"Type", fault}, {"Code", code}, {"Message", refused.Message}}
		if problems != nil {
			detail = append(detail, member{"dashboardValidationMessages", treeOf(problems)})
		}
		answer := object{{"Error", detail}, {"RequestId", w.Header().Get(wire.RequestIDHeader)}}
		send(w, refused.Status, "text/xml", encodeXML("ErrorResponse", answer))
		return
	}
	w.Header().Set("X-Amzn-Query-Error", code+";"+fault)
	// The member is not named alike in all shapes.
	name := "message"
	if refused.Code == "ResourceNotFoundException" || refused.Code == "InternalServiceFault" {
		name = "Message"
	}
	answer := object{{"__type", "com.amazonaws.cloudwatch#" + refused.Code}, {name, refused.Message}}
	for _, key := range slices.Sorted(maps.Keys(refused.Detail)) {
		answer = append(answer, member{key, refused.Detail[key]})
	}
	if problems != nil {
		answer = append(answer, member{"dashboardValidationMessages", treeOf(problems)})
	}
	if p == jsonRPC {
		send(w, refused.Status, "application/x-amz-json-1.1", encodeJSON(answer))
		return
	}
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	send(w, refused.Status, "application/cbor", encodeCBOR(answer))
}

func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}
