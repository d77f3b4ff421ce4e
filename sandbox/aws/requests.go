package aws

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws/iam"
	"github.com/entragate/entragate/sandbox/aws/sigv4"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// ServeHTTP authenticates a request and hands it to the service that it is
// signed for.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w = &unhurried{ResponseWriter: w}
	w.Header().Set(wire.RequestIDHeader, uuid.NewString())
	// Clients whose clock differs correct it by this header and try again.
	w.Header().Set("Date", c.verifier.Now().UTC().Format(http.TimeFormat))
	credential, err := sigv4.Parse(r)
	protocol := guessProtocol(r)
	called, known := c.services[credential.Service]
	if known && called.writeError == nil {
		protocol = called.protocol
	}
	refuse := func(err error) {
		if called.writeError != nil {
			called.writeError(w, r, err)
			return
		}
		protocol.WriteError(w, err)
	}
	body, readErr := io.ReadAll(http.MaxBytesReader(w, r.Body, cmp.Or(called.maxBody, maxBody)))
	if readErr != nil {
		refuse(&wire.Error{
			Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLargeException", Message: readErr.Error(),
		})
		return
	}
	verifier := c.verifier
	session, temporary := c.roles.Session(credential.AccessKeyID)
	if temporary {
		verifier.AccessKeyID, verifier.SecretAccessKey = session.AccessKeyID, session.SecretAccessKey
		verifier.Token, verifier.Expires = session.Token, session.Expires
	}
	if err == nil {
		err = verifier.Verify(r, body, credential)
	}
	// Clients of global services may sign for us-east-1 wherever they are.
	if err == nil && credential.Region != c.region && !called.global {
		err = &sigv4.Error{
			Failure: sigv4.WrongScope,
			Message: fmt.Sprintf("Credential should be scoped to a valid region, not '%s'.", credential.Region),
		}
	}
	if err != nil {
		refuse(authenticationError(protocol, err))
		return
	}
	if !known {
		refuse(wire.NotImplemented("AWS service " + credential.Service))
		return
	}
	if temporary {
		if err := c.authorize(credential.Service, called.handler, protocol, session, r, body); err != nil {
			refuse(err)
			return
		}
		r = r.WithContext(iam.WithSession(r.Context(), session))
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	called.handler.ServeHTTP(w, r)
}

// authorize refuses what the policies of a session's role do not allow.
func (c *Cloud) authorize(
	name string, called http.Handler, protocol wire.Protocol, session iam.Session, r *http.Request, body []byte,
) error {
	action, resource := name+":*", "*" // what services say that roles cannot call
	allowed := false
	if target, ok := called.(permitted); ok {
		action, resource = target.Request(r, body)
		allowed = action == "" || c.roles.Allows(session.RoleARN, action, resource)
	}
	if allowed {
		return nil
	}
	refusal := &wire.Error{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: iam.Denied(session, action, resource)}
	switch protocol {
	case wire.Query:
		refusal.Code = "AccessDenied"
	case wire.JSON11:
		refusal.Status = http.StatusBadRequest
	}
	return refusal
}

// guessProtocol tells how to answer a request of which the service is not
// known.
func guessProtocol(r *http.Request) wire.Protocol {
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		return wire.JSON11
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		return wire.Query
	}
	return wire.RestJSON
}

// authenticationError is a refusal in the words of the protocol, see
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html.
func authenticationError(protocol wire.Protocol, err error) error {
	var failure *sigv4.Error
	if !errors.As(err, &failure) {
		return err
	}
	codes := map[sigv4.Failure][2]string{ // of the JSON protocols, of Query
		sigv4.Missing:    {"MissingAuthenticationTokenException", "MissingAuthenticationToken"},
		sigv4.Malformed:  {"IncompleteSignatureException", "IncompleteSignature"},
		sigv4.UnknownKey: {"UnrecognizedClientException", "InvalidClientTokenId"},
		sigv4.Expired:    {"ExpiredTokenException", "ExpiredToken"},
		sigv4.WrongScope: {"InvalidSignatureException", "SignatureDoesNotMatch"},
		sigv4.Skewed:     {"InvalidSignatureException", "SignatureDoesNotMatch"},
		sigv4.Mismatch:   {"InvalidSignatureException", "SignatureDoesNotMatch"},
	}
	code, status := codes[failure.Failure][0], http.StatusForbidden
	if protocol == wire.Query {
		code = codes[failure.Failure][1]
	}
	if protocol == wire.JSON11 {
		status = http.StatusBadRequest
	}
	return &wire.Error{Status: status, Code: code, Message: failure.Message}
}
