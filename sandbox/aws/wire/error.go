// Package wire speaks the three protocols of the AWS services that the sandbox
// simulates: REST-JSON (API Gateway, Lambda), JSON 1.1 (CloudWatch Logs,
// tagging) and Query (STS, IAM). The protocols are described at https://smithy.io/2.0/aws/protocols/.
package wire

import (
	"errors"
	"net/http"
)

// Error is a refusal, with the code and status that the service answers.
type Error struct {
	Status  int
	Code    string
	Message string
	Detail  map[string]string // further members of the error's shape
}

// Error returns the code and the message.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// NotImplemented refuses an operation that AWS has and the sandbox does not.
// SDKs do not retry status 501.
func NotImplemented(what string) *Error {
	return &Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: what + " is not implemented by the sandbox"}
}

// asError returns err as an [Error]; what is not one is a fault of the
// sandbox itself, such as a full disk.
func asError(err error) *Error {
	if refusal, ok := errors.AsType[*Error](err); ok {
		return refusal
	}
	return &Error{Status: http.StatusInternalServerError, Code: "InternalFailure", Message: err.Error()}
}
