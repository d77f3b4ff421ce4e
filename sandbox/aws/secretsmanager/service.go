// Package secretsmanager simulates AWS Secrets Manager: secrets with their
// versions and staging labels, policies of secrets, deletion with a window for
// recovery, and rotation by Lambda functions on a schedule.
//
// Changes are complete at once; on AWS all operations are eventually consistent.
// Versions without labels are removed when there are more than a hundred; that
// AWS refuses new ones when it cannot remove any is not simulated. Not
// implemented, and refused as such: replication to other regions, reading many
// secrets at once, rotation that another service manages, external secrets.
package secretsmanager

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/entragate/entragate/sandbox/aws/wire"
	"github.com/entragate/entragate/sandbox/store"
)

// Target is the prefix of X-Amz-Target that names the service.
const Target = "secretsmanager."

// Principal is who calls rotation functions.
const Principal = "secretsmanager.amazonaws.com"

// ErrNotPermitted is what Options.Invoke returns when the policy of a function
// does not let [Principal] invoke it.
var ErrNotPermitted = errors.New("no permission to invoke the function")

// Options configure a [Service]. Account, Region and Now are required.
type Options struct {
	Account string
	Region  string
	Path    string // state file; "" keeps the state in memory
	Now     func() time.Time

	// Caller tells who makes a request; nil means the account's user.
	Caller func(r *http.Request) Caller

	// Exists tells whether there is the user or role that an ARN names, since
	// policies can only name those; nil means that all exist.
	Exists func(arn string) bool

	// CheckKey is asked whether a caller may use a KMS key in an action such as
	// "kms:Decrypt"; nil means that all may use every key. Errors that are no
	// [wire.Error] are answered as refusals of access. The key of the account is
	// not asked for.
	CheckKey func(keyID string, caller Caller, action string) error

	// Permitted tells whether a function's policy lets [Principal] invoke it on
	// behalf of a secret; nil means that every one does.
	Permitted func(functionARN, secretARN string) bool

	// Invoke invokes a function on behalf of a secret. An error of the function
	// is an error. Nil means that no function may be invoked.
	Invoke func(ctx context.Context, functionARN, secretARN string, payload []byte) ([]byte, error)

	// Throttle makes operations be refused as too many; nil throttles none.
	Throttle func(operation string) bool

	// OnEvent is told of rotations in the words of CloudTrail, such as
	// "RotationFailed". It is never given a secret value.
	OnEvent func(kind, secretARN, detail string)

	// FirstIsCurrent makes the first value of a secret that is put during a
	// rotation current at once, whatever its labels. Documentation can be read
	// both ways, see [Service.putSecretValue]; rotation functions must work with
	// both.
	FirstIsCurrent bool
}

// Service is Secrets Manager of one account and region. It is an [http.Handler]
// of requests that are already authenticated; it decides itself who may do what.
type Service struct {
	Options
	state      *store.Store[State]
	operations map[string]func(*http.Request) (any, error)

	background context.Context // of rotations, ends with the service
	stop       context.CancelFunc
	mu         sync.Mutex
	closed     bool
	rotations  map[string]chan struct{} // under way, by ARN; closed at their end
}

// New opens the service. Rotations that were under way when it ended are tried
// again by the next [Service.Tick].
func New(options Options) (*Service, error) {
	state, err := store.Open(options.Path, &State{Secrets: map[string]*Secret{}})
	if err != nil {
		return nil, err
	}
	if options.Caller == nil {
		user := Caller{ARN: "arn:aws:iam::" + options.Account + ":user/sandbox", Full: true}
		options.Caller = func(*http.Request) Caller { return user }
	}
	if options.Exists == nil {
		options.Exists = func(string) bool { return true }
	}
	if options.CheckKey == nil {
		options.CheckKey = func(string, Caller, string) error { return nil }
	}
	if options.Permitted == nil {
		options.Permitted = func(string, string) bool { return true }
	}
	if options.Throttle == nil {
		options.Throttle = func(string) bool { return false }
	}
	if options.Invoke == nil {
		options.Permitted = func(string, string) bool { return false }
		options.Invoke = func(context.Context, string, string, []byte) ([]byte, error) { return nil, ErrNotPermitted }
	}
	if options.OnEvent == nil {
		options.OnEvent = func(string, string, string) {}
	}
	s := &Service{Options: options, state: state, rotations: map[string]chan struct{}{}}
	s.background, s.stop = context.WithCancel(context.Background())
	s.operations = map[string]func(*http.Request) (any, error){
		"CreateSecret":             s.createSecret,
		"DescribeSecret":           s.describeSecret,
		"UpdateSecret":             s.updateSecret,
		"DeleteSecret":             s.deleteSecret,
		"RestoreSecret":            s.restoreSecret,
		"ListSecrets":              s.listSecrets,
		"GetSecretValue":           s.getSecretValue,
		"PutSecretValue":           s.putSecretValue,
		"UpdateSecretVersionStage": s.updateSecretVersionStage,
		"ListSecretVersionIds":     s.listSecretVersionIDs,
		"PutResourcePolicy":        s.putResourcePolicy,
		"GetResourcePolicy":        s.getResourcePolicy,
		"DeleteResourcePolicy":     s.deleteResourcePolicy,
		"ValidateResourcePolicy":   s.validateResourcePolicy,
		"TagResource":              s.tagResource,
		"UntagResource":            s.untagResource,
		"RotateSecret":             s.rotateSecret,
		"CancelRotateSecret":       s.cancelRotateSecret,
		"GetRandomPassword":        s.getRandomPassword,
	}
	return s, nil
}

// Close ends the rotations that are under way, and waits for them. No state is
// lost without it.
func (s *Service) Close() error {
	s.stop()
	s.mu.Lock()
	s.closed = true
	var under []chan struct{}
	for _, done := range s.rotations {
		under = append(under, done)
	}
	s.mu.Unlock()
	for _, done := range under {
		<-done
	}
	return nil
}

// ServeHTTP answers one request of the Secrets Manager API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), Target)
	run, ok := s.operations[name]
	if !ok {
		wire.JSON11.WriteError(w, wire.NotImplemented("Secrets Manager operation "+name))
		return
	}
	if s.Throttle(name) {
		wire.JSON11.WriteError(w, refusal("ThrottlingException", "Rate exceeded"))
		return
	}
	result, err := run(r)
	if err != nil {
		wire.JSON11.WriteError(w, err)
		return
	}
	if result == nil {
		result = struct{}{}
	}
	wire.JSON11.Write(w, http.StatusOK, result)
}

// Request tells that no permission is needed to reach the service: since the
// policy of a secret can allow what no policy of the caller does, it decides
// itself.
func (s *Service) Request(*http.Request, []byte) (action, resource string) { return "", "" }

// arnPrefix is the part of the ARNs of secrets before their names.
func (s *Service) arnPrefix() string {
	return "arn:aws:secretsmanager:" + s.Region + ":" + s.Account + ":secret:"
}

// decode reads the body of a request.
func decode[T any](r *http.Request) (T, error) {
	var in T
	return in, wire.DecodeRequest(r, &in)
}

func refusal(code, format string, args ...any) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalidParameter(format string, args ...any) error {
	return refusal("InvalidParameterException", format, args...)
}

func invalidRequest(format string, args ...any) error {
	return refusal("InvalidRequestException", format, args...)
}

// constraint is what the service's model refuses. Values are left out, since
// they may be secret.
func constraint(field, want string) error {
	return refusal("ValidationException", "1 validation error detected: Value at '%s' failed to satisfy constraint: %s", field, want)
}

func missing(format string, args ...any) error {
	return refusal("ResourceNotFoundException", format, args...)
}

func noSecret() error { return missing("Secrets Manager can't find the specified secret.") }

func markedForDeletion() error {
	return invalidRequest("You can't perform this operation on the secret because it was marked for deletion.")
}
