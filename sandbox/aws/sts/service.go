// Package sts simulates the one operation of AWS STS that tells a client who
// it is. The others are refused as not implemented.
package sts

import (
	"encoding/xml"
	"net/http"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Service answers for the user that owns the sandbox's access key. It is an
// [http.Handler] of requests that are already authenticated.
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
	wire.Query.Write(w, http.StatusOK, callerIdentityResponse{
		Result: callerIdentity{
			Arn:     "arn:aws:iam::" + s.Account + ":user/sandbox",
			UserID:  "AIDASANDBOXSANDBOX00",
			Account: s.Account,
		},
		RequestID: w.Header().Get(wire.RequestIDHeader),
	})
}
