package wire

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"maps"
	"net/http"
)

// RequestIDHeader carries the request id of an answer. SDKs show it in errors.
const RequestIDHeader = "X-Amzn-Requestid"

// Protocol is how a service encodes requests, answers and errors.
type Protocol int

// The protocols of the services that are simulated.
const (
	RestJSON Protocol = iota // operations by method and path
	JSON11                   // operations by X-Amz-Target
	Query                    // operations by the form field Action, answers in XML
)

// WriteError answers a refusal. The request id must be in the header already.
func (p Protocol) WriteError(w http.ResponseWriter, err error) {
	refusal := asError(err)
	switch p {
	case RestJSON:
		w.Header().Set("X-Amzn-Errortype", refusal.Code)
		body := map[string]string{"message": refusal.Message}
		maps.Copy(body, refusal.Detail)
		writeJSON(w, "application/json", refusal.Status, body)
	case JSON11:
		body := map[string]string{"__type": refusal.Code, "message": refusal.Message}
		maps.Copy(body, refusal.Detail)
		writeJSON(w, "application/x-amz-json-1.1", refusal.Status, body)
	case Query:
		WriteQueryError(w, stsNamespace, refusal)
	}
}

// stsNamespace is that of the errors of requests whose service is not known.
const stsNamespace = "https://sts.amazonaws.com/doc/2011-06-15/"

// WriteQueryError answers a refusal in [Query] with the XML namespace of a
// service.
func WriteQueryError(w http.ResponseWriter, namespace string, err error) {
	refusal := asError(err)
	fault := "Sender"
	if refusal.Status >= http.StatusInternalServerError {
		fault = "Receiver"
	}
	writeXML(w, refusal.Status, errorResponse{
		XMLName:   xml.Name{Space: namespace, Local: "ErrorResponse"},
		Error:     errorDetail{Type: fault, Code: refusal.Code, Message: refusal.Message},
		RequestID: w.Header().Get(RequestIDHeader),
	})
}

// Write answers a result. A nil result has no body, as with status 204. In
// [Query] the result is a value that [encoding/xml] can write.
func (p Protocol) Write(w http.ResponseWriter, status int, result any) {
	switch {
	case result == nil:
		w.WriteHeader(status)
	case p == RestJSON:
		writeJSON(w, "application/json", status, result)
	case p == JSON11:
		writeJSON(w, "application/x-amz-json-1.1", status, result)
	default:
		writeXML(w, status, result)
	}
}

// Decode reads a JSON document into v. Unknown members are ignored, as AWS
// does; a member of the wrong type is refused. An empty body is an empty document.
func Decode(body []byte, v any) error {
	if len(body) == 0 {
		return nil
	}
	if err := json.Unmarshal(body, v); err != nil {
		return &Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: err.Error()}
	}
	return nil
}

// DecodeRequest is [Decode] of the body of a request.
func DecodeRequest(r *http.Request, v any) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return &Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: err.Error()}
	}
	return Decode(body, v)
}

func writeJSON(w http.ResponseWriter, contentType string, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "encoding the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

func writeXML(w http.ResponseWriter, status int, v any) {
	body, err := xml.Marshal(v)
	if err != nil {
		http.Error(w, "encoding the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

type errorResponse struct {
	XMLName   xml.Name
	Error     errorDetail `xml:"Error"`
	RequestID string      `xml:"RequestId"`
}

type errorDetail struct {
	Type    string
	Code    string
	Message string
}
