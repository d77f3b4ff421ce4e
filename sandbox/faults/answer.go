package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws/cloudwatch"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// answer answers a rule's status as the service would that the request is for.
func answer(w http.ResponseWriter, r *http.Request, rule Rule) {
	if rule.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(rule.RetryAfter))
	}
	signed := strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256")
	switch {
	case r.Header.Get("Smithy-Protocol") != "": // CloudWatch, in CBOR
		answerAWS(w, wire.JSON11, rule.Status, func(refusal error) { cloudwatch.WriteError(w, r, refusal) })
	case r.Header.Get("X-Amz-Target") != "":
		answerAWS(w, wire.JSON11, rule.Status, func(refusal error) { wire.JSON11.WriteError(w, refusal) })
	case signed && isForm(r):
		answerAWS(w, wire.Query, rule.Status, func(refusal error) { wire.Query.WriteError(w, refusal) })
	case signed:
		answerAWS(w, wire.RestJSON, rule.Status, func(refusal error) { wire.RestJSON.WriteError(w, refusal) })
	case strings.HasPrefix(r.URL.Path, "/v1.0/"), strings.HasPrefix(r.URL.Path, "/beta/"):
		answerGraph(w, rule.Status)
	default:
		answerSignIn(w, rule.Status)
	}
}

// answerAWS answers what the services have in common, see
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html
// and, for what a service failed with,
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html.
// Throttling has another status in the older protocols.
func answerAWS(w http.ResponseWriter, protocol wire.Protocol, status int, write func(error)) {
	w.Header().Set(wire.RequestIDHeader, uuid.NewString())
	refusal := &wire.Error{Status: status, Code: "InternalServiceError", Message: "An error occurred on the server side."}
	switch {
	case status == http.StatusTooManyRequests && protocol == wire.RestJSON:
		refusal.Code, refusal.Message = "TooManyRequestsException", "Too Many Requests"
	case status == http.StatusTooManyRequests && protocol == wire.Query:
		*refusal = wire.Error{Status: http.StatusBadRequest, Code: "Throttling", Message: "Rate exceeded"}
	case status == http.StatusTooManyRequests:
		*refusal = wire.Error{Status: http.StatusBadRequest, Code: "ThrottlingException", Message: "Rate exceeded"}
	case status == http.StatusServiceUnavailable:
		refusal.Code, refusal.Message = "ServiceUnavailable", "The request has failed due to a temporary failure of the server."
	case protocol != wire.JSON11:
		refusal.Code = "InternalFailure"
	}
	write(refusal)
}

// answerGraph answers as Microsoft Graph does: of 429 see
// https://learn.microsoft.com/graph/throttling. The codes of the others are
// guesses.
func answerGraph(w http.ResponseWriter, status int) {
	code, id := strings.ReplaceAll(http.StatusText(status), " ", ""), uuid.NewString()
	if code == "" {
		code = "UnknownError"
	}
	w.Header().Set("request-id", id)
	writeJSON(w, status, map[string]any{"error": map[string]any{
		"code": code, "message": "Please retry again later.",
		"innerError": map[string]string{"code": strconv.Itoa(status), "request-id": id, "status": strconv.Itoa(status)},
	}})
}

// answerSignIn answers as the sign-in service does, by the codes of
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes (that
// it uses these two is a guess).
func answerSignIn(w http.ResponseWriter, status int) {
	code, text := 90033, "A transient error has occurred. Please try again."
	if status == http.StatusTooManyRequests {
		code, text = 90055, "There are too many incoming requests."
	}
	writeJSON(w, status, map[string]any{
		"error": "temporarily_unavailable", "error_description": fmt.Sprintf("AADSTS%d: %s", code, text), "error_codes": []int{code},
	})
}

func writeJSON(w http.ResponseWriter, status int, content any) {
	raw, _ := json.Marshal(content) // texts and numbers only: cannot fail
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(raw) // the client may have gone
}
