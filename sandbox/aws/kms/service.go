// Package kms simulates the part of AWS KMS that the services of a stack need:
// symmetric keys with their policies, aliases, rotation, tags and deletion, and
// encryption that really happens, with keys that are kept in the state file.
//
// Who may use a key is decided by its policy, and by the policies of identities
// where the key policy lets the account decide. That a policy of an identity
// denies what the key policy allows by name is not seen, see [Service.Check].
//
// Not implemented, and refused as such: asymmetric and HMAC keys, imported
// material, custom key stores, copies in other regions, grants, ReEncrypt and
// rotation on demand.
package kms

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/aws/iam"
	"github.com/entragate/entragate/sandbox/aws/wire"
	"github.com/entragate/entragate/sandbox/store"
)

// Target is the prefix of X-Amz-Target that names the service.
const Target = "TrentService."

// Options configure a [Service].
type Options struct {
	Account string
	Region  string
	Path    string // state file, which holds keys; "" keeps the state in memory
	Now     func() time.Time

	// Roles tells what the policies of a role allow; without it they allow all.
	Roles Roles
}

// Roles is the part of IAM that decides for the roles of the account.
type Roles interface {
	AllowsWith(roleARN, action, resource string, keys iam.Keys) bool
}

// State is what is kept durable.
type State struct {
	Keys    map[string]*Key   `json:"keys"`    // keyed by id
	Aliases map[string]*Alias `json:"aliases"` // keyed by name, with "alias/"
}

// Key is a symmetric key.
type Key struct {
	ID           string            `json:"id"`
	Description  string            `json:"description,omitempty"`
	Policy       string            `json:"policy"`
	Enabled      bool              `json:"enabled"`
	Created      time.Time         `json:"created"`
	Deletion     time.Time         `json:"deletion,omitzero"` // when it goes; zero if it stays
	RotationDays int               `json:"rotationDays,omitempty"`
	NextRotation time.Time         `json:"nextRotation,omitzero"`
	Material     [][]byte          `json:"material"` // AES-256; the last one encrypts
	Tags         map[string]string `json:"tags"`
}

// Alias is a name for a key.
type Alias struct {
	Name    string    `json:"name"`
	KeyID   string    `json:"keyId"`
	Created time.Time `json:"created"`
	Updated time.Time `json:"updated"`
}

// Service is KMS of one account and region. It is an [http.Handler] of requests
// that are already authenticated.
type Service struct {
	Options
	state      *store.Store[State]
	operations map[string]func(*http.Request) (any, error)
}

// New opens the service.
func New(options Options) (*Service, error) {
	state, err := store.Open(options.Path, &State{Keys: map[string]*Key{}, Aliases: map[string]*Alias{}})
	if err != nil {
		return nil, err
	}
	s := &Service{Options: options, state: state}
	s.operations = map[string]func(*http.Request) (any, error){
		"CreateKey":                       s.createKey,
		"DescribeKey":                     s.describeKey,
		"ListKeys":                        s.listKeys,
		"EnableKey":                       s.enableKey,
		"DisableKey":                      s.disableKey,
		"UpdateKeyDescription":            s.updateKeyDescription,
		"ScheduleKeyDeletion":             s.scheduleKeyDeletion,
		"CancelKeyDeletion":               s.cancelKeyDeletion,
		"GetKeyPolicy":                    s.getKeyPolicy,
		"PutKeyPolicy":                    s.putKeyPolicy,
		"ListKeyPolicies":                 s.listKeyPolicies,
		"GetKeyRotationStatus":            s.getKeyRotationStatus,
		"EnableKeyRotation":               s.enableKeyRotation,
		"DisableKeyRotation":              s.disableKeyRotation,
		"CreateAlias":                     s.createAlias,
		"UpdateAlias":                     s.updateAlias,
		"DeleteAlias":                     s.deleteAlias,
		"ListAliases":                     s.listAliases,
		"TagResource":                     s.tagResource,
		"UntagResource":                   s.untagResource,
		"ListResourceTags":                s.listResourceTags,
		"Encrypt":                         s.encrypt,
		"Decrypt":                         s.decrypt,
		"GenerateDataKey":                 s.generateDataKey,
		"GenerateDataKeyWithoutPlaintext": s.generateDataKeyWithoutPlaintext,
	}
	return s, nil
}

// ServeHTTP answers one request of the KMS API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	wire.ServeJSON11(w, r, Target, "KMS", s.operations)
}

// Request tells that the caller asks nobody else for permission: key policies
// are part of the decision, so the service decides by itself.
func (s *Service) Request(*http.Request, []byte) (action, resource string) { return "", "" }

// action is the operation of a request in the words of policies.
func action(r *http.Request) string {
	name, _ := strings.CutPrefix(r.Header.Get("X-Amz-Target"), Target)
	return "kms:" + name
}

// caller is who wants to do something: the principal is a role for its sessions,
// the name is how refusals call it.
type caller struct{ principal, name string }

// caller returns who signed a request. The user that owns the sandbox's access
// key may do everything that is the account's to decide.
func (s *Service) caller(r *http.Request) caller {
	if session, ok := iam.SessionOf(r.Context()); ok {
		return caller{session.RoleARN, session.ARN}
	}
	user := "arn:aws:iam::" + s.Account + ":user/sandbox"
	return caller{user, user}
}

// arn is the name of a resource of the account, such as "key/ID".
func (s *Service) arn(resource string) string {
	return "arn:aws:kms:" + s.Region + ":" + s.Account + ":" + resource
}

// keyARN is the name of a key as other services know it.
func (s *Service) keyARN(id string) string { return s.arn("key/" + id) }

// decode reads the body of a request.
func decode[T any](r *http.Request) (T, error) {
	var in T
	return in, wire.DecodeRequest(r, &in)
}

func refusal(code, format string, args ...any) error {
	return &wire.Error{Status: http.StatusBadRequest, Code: code, Message: fmt.Sprintf(format, args...)}
}

func missing(format string, args ...any) error {
	return refusal("NotFoundException", format, args...)
}

// constraint refuses a value that the shape of the request does not have.
func constraint(value any, at, want string) error {
	return refusal("ValidationException", "1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, at, want)
}

// seconds is a time as the service gives it.
func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
