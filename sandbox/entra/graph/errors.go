package graph

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Error is a refusal in Microsoft Graph's form.
// https://learn.microsoft.com/graph/errors
type Error struct {
	Status  int
	Code    string
	Message string
	// Target is the property at fault; with it the error carries details.
	Target string
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

// body renders the error as it goes over the wire.
func (e *Error) body(now time.Time, requestID, clientRequestID string) []byte {
	type detail struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Target  string `json:"target"`
	}
	type inner struct {
		Date            string `json:"date"`
		RequestID       string `json:"request-id"`
		ClientRequestID string `json:"client-request-id"`
	}
	type outer struct {
		Code       string   `json:"code"`
		Message    string   `json:"message"`
		Details    []detail `json:"details,omitempty"`
		InnerError inner    `json:"innerError"`
	}
	o := outer{Code: e.Code, Message: e.Message, InnerError: inner{now.Format("2006-01-02T15:04:05"), requestID, clientRequestID}}
	if e.Target != "" {
		o.Details = []detail{{e.Code, e.Message, e.Target}}
	}
	raw, _ := json.Marshal(map[string]outer{"error": o}) // strings only: cannot fail
	return raw
}

func badRequest(format string, args ...any) error {
	return &Error{Status: http.StatusBadRequest, Code: "Request_BadRequest", Message: fmt.Sprintf(format, args...)}
}

// notFound is also what an object answers that has not replicated yet.
func notFound(id string) error {
	return &Error{
		Status: http.StatusNotFound, Code: "Request_ResourceNotFound",
		Message: fmt.Sprintf("Resource '%s' does not exist or one of its queried reference-property objects are not present.", id),
	}
}

func forbidden() error {
	return &Error{
		Status: http.StatusForbidden, Code: "Authorization_RequestDenied",
		Message: "Insufficient privileges to complete the operation.",
	}
}

// conflict refuses what would be there twice. The messages are seen in
// https://github.com/hashicorp/terraform-provider-azuread/issues/690,
// https://github.com/Azure/reliable-web-app-pattern-java/issues/185 and
// https://github.com/Azure/azure-dev/issues/1482.
func conflict(message string) error {
	return &Error{Status: http.StatusConflict, Code: "Request_MultipleObjectsWithSameKeyValue", Message: message}
}

// notImplemented is the sandbox's own: an operation that Graph has and this
// does not. Clients retry 404 and 5xx other than 501.
func notImplemented(what string) error {
	return &Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "The sandbox does not implement " + what + "."}
}

// invalidProperty is Graph's answer to a value of the wrong kind or form.
func invalidProperty(property, resource string) error {
	return &Error{
		Status: http.StatusBadRequest, Code: "Request_BadRequest",
		Message: fmt.Sprintf("Invalid value specified for property '%s' of resource '%s'.", property, resource),
		Target:  property,
	}
}

func requiredProperty(property, resource string) error {
	return &Error{
		Status: http.StatusBadRequest, Code: "Request_BadRequest",
		Message: fmt.Sprintf("A value is required for property '%s' of resource '%s'.", property, resource),
		Target:  property,
	}
}

// duplicateValue is seen in https://github.com/microsoftgraph/microsoft-graph-docs/issues/21667.
func duplicateValue(target string) error {
	return &Error{
		Status: http.StatusBadRequest, Code: "DuplicateValue",
		Message: "Request contains a property with duplicate values.", Target: target,
	}
}

// unsupportedQuery is Graph's answer to a query it could not run.
func unsupportedQuery(format string, args ...any) error {
	return &Error{Status: http.StatusBadRequest, Code: "Request_UnsupportedQuery", Message: fmt.Sprintf(format, args...)}
}
