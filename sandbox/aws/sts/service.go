// Package sts simulates the operations of AWS STS that tell who a client is:
// GetCallerIdentity to the client itself, and GetWebIdentityToken to others. It
// is also the issuer of those tokens, see [Service.Issuer]. The other operations
// are refused as not implemented.
package sts

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/entragate/entragate/sandbox/aws/iam"
	"github.com/entragate/entragate/sandbox/aws/wire"
	"github.com/entragate/entragate/sandbox/store"
)

// Options configure a [Service]. All but Path are required.
type Options struct {
	Account string
	Region  string
	Path    string // state file, which holds keys; "" keeps the state in memory
	Now     func() time.Time
	Roles   *iam.Service
}

// State is what is kept durable.
type State struct {
	Keys []*key `json:"keys"` // one of each algorithm, once there was need of one
}

// Service answers for the user that owns the sandbox's access key, and for the
// sessions of roles. It is an [http.Handler] of requests that are already
// authenticated.
type Service struct {
	Options
	state *store.Store[State]
}

// New opens the service.
func New(options Options) (*Service, error) {
	state, err := store.Open(options.Path, &State{})
	if err != nil {
		return nil, err
	}
	return &Service{Options: options, state: state}, nil
}

// caller is who signed a request.
type caller struct {
	arn, id string
	session *iam.Session // nil for the user
}

func (s *Service) caller(r *http.Request) caller {
	if session, ok := iam.SessionOf(r.Context()); ok {
		return caller{session.ARN, session.ID, &session}
	}
	return caller{arn: "arn:aws:iam::" + s.Account + ":user/sandbox", id: "AIDASANDBOXSANDBOX00"}
}

type callerIdentityResponse struct {
	XMLName   xml.Name       `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
	Result    callerIdentity `xml:"GetCallerIdentityResult"`
	RequestID string         `xml:"ResponseMetadata>RequestId"`
}

type callerIdentity struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

// ServeHTTP answers one request of the STS API.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		wire.Query.WriteError(w, &wire.Error{Status: http.StatusBadRequest, Code: "MalformedInput", Message: err.Error()})
		return
	}
	who, id := s.caller(r), w.Header().Get(wire.RequestIDHeader)
	switch action := r.Form.Get("Action"); action {
	case "GetCallerIdentity":
		wire.Query.Write(w, http.StatusOK, callerIdentityResponse{
			Result: callerIdentity{Arn: who.arn, UserID: who.id, Account: s.Account}, RequestID: id,
		})
	case "GetWebIdentityToken":
		token, err := s.webIdentityToken(who, r.Form)
		if err != nil {
			wire.Query.WriteError(w, err)
			return
		}
		wire.Query.Write(w, http.StatusOK, webIdentityTokenResponse{Result: token, RequestID: id})
	default:
		wire.Query.WriteError(w, wire.NotImplemented("STS action "+action))
	}
}

// Request tells what a request does, in the words of policies. Who one is needs
// no permission (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html).
// For a web identity token, conditions are part of the decision, so it is made
// where they are known.
func (s *Service) Request(_ *http.Request, body []byte) (action, resource string) {
	form, err := url.ParseQuery(string(body))
	if action = form.Get("Action"); err == nil && (action == "GetCallerIdentity" || action == "GetWebIdentityToken") {
		return "", ""
	}
	return "sts:" + action, "*"
}

func refusal(status int, code, format string, args ...any) error {
	return &wire.Error{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// constraint refuses a value that the shape of the request does not have.
func constraint(value any, at, want string) error {
	return refusal(http.StatusBadRequest, "ValidationError", "1 validation error detected: Value '%v' at '%s' failed to satisfy constraint: %s", value, at, want)
}
