package signin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// Error is a refusal: an AADSTS code with its text, and how OAuth 2.0 and HTTP
// name it.
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
type Error struct {
	// Code is the number after AADSTS.
	Code int
	// OAuth is the error member, e.g. invalid_client.
	OAuth string
	// Status is the HTTP status at the token endpoint.
	Status int
	// Message is the sentence after the code.
	Message string
	// Suberror says what a client may do about it, e.g. consent_required.
	Suberror string
}

// Error implements error with the text that users see.
func (e *Error) Error() string { return fmt.Sprintf("AADSTS%d: %s", e.Code, e.Message) }

// kinds says how each code is named by OAuth and HTTP. Microsoft documents the
// codes; the status beside each, and many of the OAuth errors, are guesses from
// what clients have been seen to get.
var kinds = map[int]struct {
	oauth  string
	status int
}{
	28000:   {"invalid_request", 400}, // scope with several resources, at the token endpoint
	50011:   {"invalid_request", 400}, // redirect URI not registered
	50013:   {"invalid_client", 401},  // assertion signature
	50027:   {"invalid_request", 400}, // malformed assertion
	50034:   {"invalid_grant", 400},   // no such user
	50049:   {"invalid_instance", 400},
	50057:   {"invalid_grant", 400}, // user disabled
	50058:   {"login_required", 400},
	50105:   {"invalid_grant", 400},   // user not assigned
	50166:   {"invalid_request", 400}, // external issuer does not answer
	50194:   {"invalid_request", 400}, // common for a single-tenant application
	54005:   {"invalid_grant", 400},   // code redeemed already
	65001:   {"invalid_grant", 400},   // no consent
	65004:   {"access_denied", 400},   // user declined
	70000:   {"invalid_grant", 400},
	70003:   {"unsupported_grant_type", 400},
	70005:   {"unsupported_response_type", 400},
	70007:   {"invalid_request", 400}, // response mode
	70008:   {"invalid_grant", 400},   // code expired
	70011:   {"invalid_scope", 400},
	70016:   {"authorization_pending", 400},
	70018:   {"bad_verification_code", 400},
	70019:   {"expired_token", 400},
	70021:   {"invalid_client", 401}, // no federated credential
	90002:   {"invalid_request", 400},
	90023:   {"invalid_request", 400},
	90094:   {"access_denied", 400}, // administrator consent
	500011:  {"invalid_resource", 400},
	500014:  {"invalid_resource", 400}, // resource disabled
	500112:  {"invalid_client", 400},   // redirect URI differs from the authorize request
	501051:  {"invalid_grant", 400},    // application not assigned
	501481:  {"invalid_grant", 400},    // PKCE
	501491:  {"invalid_request", 400},
	650053:  {"invalid_client", 400}, // unknown scope
	650057:  {"invalid_resource", 400},
	700005:  {"invalid_grant", 400}, // code of another tenant
	700016:  {"unauthorized_client", 400},
	700021:  {"invalid_client", 401},
	700022:  {"invalid_request", 400}, // scope with several resources, at the authorize endpoint
	700023:  {"invalid_client", 401},
	700024:  {"invalid_client", 401},
	700025:  {"invalid_client", 401},
	700027:  {"invalid_client", 401},
	700051:  {"unsupported_response_type", 400},
	700054:  {"unsupported_response_type", 400},
	700082:  {"invalid_grant", 400},
	700084:  {"invalid_grant", 400},
	700229:  {"invalid_client", 401},
	900023:  {"invalid_request", 400},
	900144:  {"invalid_request", 400},
	900561:  {"invalid_request", 405},
	900971:  {"invalid_request", 400},
	901002:  {"invalid_request", 400},
	1002012: {"invalid_scope", 400},
	5002738: {"invalid_request", 400}, // assertion algorithm
	7000112: {"unauthorized_client", 400},
	7000215: {"invalid_client", 401},
	7000216: {"invalid_client", 401},
	7000218: {"invalid_client", 401},
	7000222: {"invalid_client", 401},
	7000229: {"unauthorized_client", 400}, // no service principal
	9001023: {"invalid_request", 400},
	9002313: {"invalid_request", 400},
	9002325: {"invalid_request", 400},
	9002326: {"invalid_request", 400},
	9002327: {"invalid_request", 400},
}

// refuse makes the error of a code. The code must be in kinds.
func refuse(code int, format string, args ...any) *Error {
	k := kinds[code]
	return &Error{Code: code, OAuth: k.oauth, Status: k.status, Message: fmt.Sprintf(format, args...)}
}

// notImplemented refuses what Entra has and this sandbox has not. It carries no
// AADSTS code, for it is not Entra's answer.
func notImplemented(what string) *Error {
	return &Error{OAuth: "unsupported_grant_type", Status: http.StatusBadRequest, Message: what + " is not implemented by this sandbox"}
}

// missing refuses a request without a parameter.
func missing(name string) *Error {
	return refuse(900144, "The request body must contain the following parameter: '%s'.", name)
}

// wrongMethod refuses a request by its HTTP method.
func wrongMethod(accepted, got string) *Error {
	return refuse(900561, "The endpoint only accepts %s requests. Received a %s request.", accepted, got)
}

// trace identifies one request, as Entra does in every answer and page.
type trace struct {
	id, correlation string
	at              time.Time
}

const timeLayout = "2006-01-02 15:04:05Z"

// traceOf starts the trace of a request; clients may choose the correlation id.
func (s *Server) traceOf(r *http.Request) trace {
	correlation := r.Header.Get("client-request-id")
	if correlation == "" {
		correlation = r.URL.Query().Get("client-request-id")
	}
	if parsed, err := uuid.Parse(correlation); err == nil {
		correlation = parsed.String()
	} else {
		correlation = uuid.NewString()
	}
	return trace{uuid.NewString(), correlation, s.now().UTC()}
}

// describe is the error_description: the code, its text and the trace.
func (e *Error) describe(t trace) string {
	text := e.Message
	if e.Code != 0 {
		text = e.Error()
	}
	return fmt.Sprintf("%s\r\nTrace ID: %s\r\nCorrelation ID: %s\r\nTimestamp: %s", text, t.id, t.correlation, t.at.Format(timeLayout))
}

// errorBody is the JSON of a refusal.
type errorBody struct {
	Error            string `json:"error"`
	ErrorDescription string `json:"error_description"`
	ErrorCodes       []int  `json:"error_codes"`
	Timestamp        string `json:"timestamp"`
	TraceID          string `json:"trace_id"`
	CorrelationID    string `json:"correlation_id"`
	ErrorURI         string `json:"error_uri,omitempty"`
	Suberror         string `json:"suberror,omitempty"`
}

// errorURI is where a code is explained.
func (s *Server) errorURI(e *Error) string {
	if e.Code == 0 {
		return ""
	}
	return s.baseURL + "/error?code=" + strconv.Itoa(e.Code)
}

// writeError answers with a refusal in JSON.
func (s *Server) writeError(w http.ResponseWriter, r *http.Request, e *Error) {
	t := s.traceOf(r)
	body := errorBody{
		Error: e.OAuth, ErrorDescription: e.describe(t), ErrorCodes: []int{},
		Timestamp: t.at.Format(timeLayout), TraceID: t.id, CorrelationID: t.correlation,
		ErrorURI: s.errorURI(e), Suberror: e.Suberror,
	}
	if e.Code != 0 {
		body.ErrorCodes = []int{e.Code}
	}
	w.Header().Set("x-ms-request-id", t.id)
	w.Header().Set("client-request-id", t.correlation)
	writeJSON(w, e.Status, body)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	raw, err := json.Marshal(body)
	if err != nil {
		http.Error(w, "encoding answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store, no-cache")
		h.Set("Pragma", "no-cache")
	}
	w.WriteHeader(status)
	_, _ = w.Write(raw) // the client may have gone
}
