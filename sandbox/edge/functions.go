package edge

import (
	"context"
	"errors"
)

// Functions runs Lambda functions, for authorizers and proxy integrations.
type Functions interface {
	// Invoke calls a function by its ARN, which may name a version or an alias,
	// and waits for its answer. It is called in the name of API Gateway on
	// behalf of source, the ARN that the function's policy must allow: an error
	// that wraps [ErrNotPermitted] says that it does not, or that there is no
	// such function. A [FunctionError] says that the function itself failed.
	Invoke(ctx context.Context, arn, source string, payload []byte) ([]byte, error)
}

// ErrNotPermitted says that API Gateway may not call a function.
var ErrNotPermitted = errors.New("no permission to invoke the function")

// FunctionError is a failure of a function: it returned an error, ended, or
// took too long.
type FunctionError struct {
	// Kind is what Lambda calls it, such as "Unhandled".
	Kind string
	// Payload is what Lambda answers in place of the function, JSON with
	// errorType and errorMessage. It is for logs, not for callers of the API.
	Payload []byte
}

func (e *FunctionError) Error() string { return "the function failed: " + e.Kind }
