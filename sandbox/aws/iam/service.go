// Package iam simulates the part of AWS IAM that functions need: roles with
// their trust policies, inline policies and tags, the evaluation of policies,
// the short-lived credentials of a role's sessions, and the account's switch of
// outbound identity federation.
//
// Policies of AWS can be attached, and allow nothing: the sandbox does not know
// what they say. Not implemented, and refused as such: users, groups, customer
// managed policies, instance profiles, permissions boundaries and everything
// else.
package iam

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/entragate/entragate/sandbox/aws/wire"
	"github.com/entragate/entragate/sandbox/store"
)

// Namespace is that of the XML documents of the API.
const Namespace = "https://iam.amazonaws.com/doc/2010-05-08/"

// Options configure a [Service]. Account and Now are required.
type Options struct {
	Account string
	Path    string // state file; "" keeps the state in memory
	Now     func() time.Time

	// Issuer is the address of the issuer of the account's web identity tokens.
	// Without one the account cannot have outbound identity federation.
	Issuer string
}

// State is what is kept durable. Sessions are not.
type State struct {
	Roles map[string]*Role `json:"roles"` // keyed by name

	// FederationDisabled is the switch of outbound identity federation. On AWS it
	// is off until somebody turns it on, once for the account and outside the
	// programs that use it; the sandbox's account is one where somebody has.
	FederationDisabled bool `json:"federationDisabled,omitempty"`
}

// Role is an IAM role.
type Role struct {
	ID                 string            `json:"id"`
	Name               string            `json:"name"`
	Path               string            `json:"path"` // begins and ends with a slash
	Description        string            `json:"description,omitempty"`
	Trust              string            `json:"trust"`              // policy document
	MaxSessionDuration int               `json:"maxSessionDuration"` // seconds
	Created            time.Time         `json:"created"`
	Tags               map[string]string `json:"tags"`
	Inline             map[string]string `json:"inline"`   // policy documents by name
	Attached           []string          `json:"attached"` // ARNs of policies of AWS
}

// Service is IAM of one account. It is an [http.Handler] of requests that are
// already authenticated.
type Service struct {
	Options
	state      *store.Store[State]
	sessions   sessions
	parsed     sync.Map // documents by their text; emptied by every change
	operations map[string]func(url.Values) (any, error)
}

// New opens the service.
func New(options Options) (*Service, error) {
	state, err := store.Open(options.Path, &State{Roles: map[string]*Role{}})
	if err != nil {
		return nil, err
	}
	s := &Service{Options: options, state: state, sessions: sessions{byKey: map[string]Session{}}}
	s.operations = map[string]func(url.Values) (any, error){
		"CreateRole":                  s.createRole,
		"GetRole":                     s.getRole,
		"ListRoles":                   s.listRoles,
		"UpdateRole":                  s.updateRole,
		"UpdateRoleDescription":       s.updateRoleDescription,
		"UpdateAssumeRolePolicy":      s.updateAssumeRolePolicy,
		"DeleteRole":                  s.deleteRole,
		"ListInstanceProfilesForRole": s.listInstanceProfiles,
		"PutRolePolicy":               s.putRolePolicy,
		"GetRolePolicy":               s.getRolePolicy,
		"ListRolePolicies":            s.listRolePolicies,
		"DeleteRolePolicy":            s.deleteRolePolicy,
		"AttachRolePolicy":            s.attachRolePolicy,
		"DetachRolePolicy":            s.detachRolePolicy,
		"ListAttachedRolePolicies":    s.listAttachedRolePolicies,
		"TagRole":                     s.tagRole,
		"UntagRole":                   s.untagRole,
		"ListRoleTags":                s.listRoleTags,

		"EnableOutboundWebIdentityFederation":  s.enableFederation,
		"DisableOutboundWebIdentityFederation": s.disableFederation,
		"GetOutboundWebIdentityFederationInfo": s.getFederation,
	}
	return s, nil
}

// ServeHTTP answers one request of the IAM API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		wire.WriteQueryError(w, Namespace, refusal(http.StatusBadRequest, "MalformedInput", "%v", err))
		return
	}
	action := r.Form.Get("Action")
	run, ok := s.operations[action]
	if !ok {
		wire.WriteQueryError(w, Namespace, wire.NotImplemented("IAM action "+action))
		return
	}
	result, err := run(r.Form)
	if err != nil {
		wire.WriteQueryError(w, Namespace, err)
		return
	}
	wire.Query.Write(w, http.StatusOK, response{action: action, result: result, requestID: w.Header().Get(wire.RequestIDHeader)})
}

// response is the answer of an operation: its elements have its name.
type response struct {
	action    string
	result    any // nil for operations without one
	requestID string
}

// MarshalXML writes the result and the id of the request.
func (r response) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	start.Name = xml.Name{Space: Namespace, Local: r.action + "Response"}
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	if r.result != nil {
		if err := e.EncodeElement(r.result, xml.StartElement{Name: xml.Name{Local: r.action + "Result"}}); err != nil {
			return err
		}
	}
	metadata := struct {
		RequestID string `xml:"RequestId"`
	}{r.requestID}
	if err := e.EncodeElement(metadata, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}}); err != nil {
		return err
	}
	return e.EncodeToken(start.End())
}

// ARN returns the name of a role as other services know it.
func (s *Service) ARN(role *Role) string {
	return "arn:aws:iam::" + s.Account + ":role" + role.Path + role.Name
}

// role returns the role of an ARN, or nil.
func (s *Service) role(all *State, arn string) *Role {
	for _, role := range all.Roles {
		if s.ARN(role) == arn {
			return role
		}
	}
	return nil
}

// view calls fn with the role that a request names, which fn must not change.
func (s *Service) view(in url.Values, fn func(*Role) error) error {
	name := in.Get("RoleName")
	if err := checkName("roleName", name, maxRoleName); err != nil {
		return err
	}
	var err error
	s.state.View(func(all *State) {
		role := all.Roles[name]
		if role == nil {
			err = noRole(name)
			return
		}
		err = fn(role)
	})
	return err
}

// change calls fn with the role that a request names, to change it.
func (s *Service) change(in url.Values, fn func(*Role) error) error {
	name := in.Get("RoleName")
	if err := checkName("roleName", name, maxRoleName); err != nil {
		return err
	}
	return s.state.Update(func(all *State) error {
		role := all.Roles[name]
		if role == nil {
			return noRole(name)
		}
		s.parsed.Clear()
		return fn(role)
	})
}

func refusal(status int, code, format string, args ...any) error {
	return &wire.Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error {
	return refusal(http.StatusBadRequest, "ValidationError", format, args...)
}

func malformed(format string, args ...any) error {
	return refusal(http.StatusBadRequest, "MalformedPolicyDocument", format, args...)
}

func missing(format string, args ...any) error {
	return refusal(http.StatusNotFound, "NoSuchEntity", format, args...)
}

func noRole(name string) error { return missing("The role with name %s cannot be found.", name) }
