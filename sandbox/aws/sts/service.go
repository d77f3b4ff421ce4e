// Package sts simulates the one operation of AWS STS that tells a client who
// it is. The others are refused as not implemented.
package sts

import (
	"encoding/xml"
	"net/http"
	"net/url"

	"github.com/entragate/entragate/sandbox/aws/iam"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Service answers for the user that owns the sandbox's access key, and for the
// sessions of roles. It is an [http.Handler] of requests that are already
// authenticated.
type Service struct {
	Account string
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
func (s Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		wire.Query.WriteError(w, &wire.Error{Status: http.StatusBadRequest, Code: "MalformedInput", Message: err.Error()})
		return
	}
	if action := r.Form.Get("Action"); action != "GetCallerIdentity" {
		wire.Query.WriteError(w, wire.NotImplemented("STS action "+action))
		return
	}
	caller := callerIdentity{
		Arn:     "arn:aws:iam::" + s.Account + ":user/sandbox",
		UserID:  "AIDASANDBOXSANDBOX00",
		Account: s.Account,
	}
	if session, ok := iam.SessionOf(r.Context()); ok {
		caller.Arn, caller.UserID = session.ARN, session.ID
	}
	wire.Query.Write(w, http.StatusOK, callerIdentityResponse{Result: caller, RequestID: w.Header().Get(wire.RequestIDHeader)})
}

// Request tells what a request does, in the words of policies. Who one is needs
// no permission (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html).
func (s Service) Request(_ *http.Request, body []byte) (action, resource string) {
	form, err := url.ParseQuery(string(body))
	if err == nil && form.Get("Action") == "GetCallerIdentity" {
		return "", ""
	}
	return "sts:" + form.Get("Action"), "*"
}
