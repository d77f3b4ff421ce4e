package lambda

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

func refusal(status int, code, format string, args ...any) error {
	return &wire.Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...), Detail: map[string]string{"Type": "User"}}
}

// constraint refuses a value that the shape of the request does not have.
func constraint(value any, at, format string, args ...any) error {
	return refusal(http.StatusBadRequest, "ValidationException", "1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s",
		value, at, fmt.Sprintf(format, args...))
}

func invalid(format string, args ...any) error {
	return refusal(http.StatusBadRequest, "InvalidParameterValueException", format, args...)
}

func malformed(format string, args ...any) error {
	return refusal(http.StatusBadRequest, "InvalidRequestContentException", format, args...)
}

func missing(format string, args ...any) error {
	return refusal(http.StatusNotFound, "ResourceNotFoundException", format, args...)
}

func conflict(format string, args ...any) error {
	return refusal(http.StatusConflict, "ResourceConflictException", format, args...)
}

// checkRevision refuses a change to what was changed meanwhile.
func checkRevision(given, current string) error {
	if given != "" && given != current {
		return refusal(http.StatusPreconditionFailed, "PreconditionFailedException",
			"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
	}
	return nil
}

// decode reads the body of a request.
func decode[T any](c *call) (T, error) {
	var in T
	err := wire.DecodeRequest(c, &in)
	if cause, ok := errors.AsType[*wire.Error](err); ok {
		err = malformed("Could not parse request body into json: %s", cause.Message)
	}
	return in, err
}
