// Package aws simulates one AWS account and region: the control plane of API
// Gateway v2, Lambda, CloudWatch Logs, the tagging API and what clients ask of
// IAM and STS. A [Cloud] is what AWS_ENDPOINT_URL points at.
package aws

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/aws/iam"
	"github.com/entragate/entragate/sandbox/aws/lambda"
	"github.com/entragate/entragate/sandbox/aws/logs"
	"github.com/entragate/entragate/sandbox/aws/sigv4"
	"github.com/entragate/entragate/sandbox/aws/sts"
	"github.com/entragate/entragate/sandbox/aws/tagging"
	"github.com/entragate/entragate/sandbox/aws/wire"
	"github.com/entragate/entragate/sandbox/edge"
)

// The one access key that lasts. Requests are signed with it, or with those that
// functions get for their roles.
const (
	AccessKeyID     = "sandbox"
	SecretAccessKey = "sandbox"
)

// maxBody is above every limit of the services but Lambda, in bytes.
const maxBody = 10 << 20

// Options configure a [Cloud].
type Options struct {
	Account     string                    // twelve digits; default 000000000000
	Region      string                    // default us-east-1
	Dir         string                    // existing directory of the state; "" keeps it in memory
	Now         func() time.Time          // default time.Now
	CheckIssuer apigateway.IssuerCheck    // required
	Endpoint    func(apiID string) string // URL of an API's data plane; required

	// Environment is what functions get beside the variables of AWS, such as
	// where the sandbox is.
	Environment map[string]string

	// Interfere makes operations of API Gateway meet concurrent ones, see
	// [apigateway.Options].
	Interfere func(operation string) bool
}

// Cloud is one account and region. It is an [http.Handler], an [edge.Source], an
// [edge.LogSink] and [edge.Functions]. Close ends the processes of functions.
type Cloud struct {
	region   string
	verifier sigv4.Verifier
	services map[string]service // by the name in the credential scope
	gateway  *apigateway.Service
	logs     *logs.Service
	roles    *iam.Service
	lambda   *lambda.Service
}

// service is a handler and the protocol that it speaks.
type service struct {
	protocol wire.Protocol
	handler  http.Handler
	global   bool  // may be signed for another region than the cloud's
	maxBody  int64 // 0 means maxBody
}

// permitted is a service that roles may be allowed to call. The others refuse
// them.
type permitted interface {
	// Request tells what a request does and to which resource, as policies name
	// them. An empty action needs no permission.
	Request(r *http.Request, body []byte) (action, resource string)
}

var (
	accountID  = regexp.MustCompile(`^\d{12}$`)
	regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
)

// Check returns what is wrong with an account or the name of a region.
func Check(account, region string) error {
	switch {
	case !accountID.MatchString(account):
		return fmt.Errorf("account: got %q, want twelve digits", account)
	case !regionName.MatchString(region):
		return fmt.Errorf("region: got %q, want a name such as us-east-1", region)
	}
	return nil
}

// New opens the control planes.
func New(options Options) (*Cloud, error) {
	if options.Account == "" {
		options.Account = "000000000000"
	}
	if options.Region == "" {
		options.Region = "us-east-1"
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if err := Check(options.Account, options.Region); err != nil {
		return nil, fmt.Errorf("opening aws: %w", err)
	}
	if options.CheckIssuer == nil || options.Endpoint == nil {
		return nil, errors.New("opening aws: CheckIssuer and Endpoint: got nil, want functions")
	}
	logging, err := logs.New(logs.Options{Account: options.Account, Region: options.Region, Dir: options.Dir, Now: options.Now})
	if err != nil {
		return nil, fmt.Errorf("opening aws: %w", err)
	}
	path := func(name string) string {
		if options.Dir == "" {
			return ""
		}
		return filepath.Join(options.Dir, name)
	}
	gateway, err := apigateway.New(apigateway.Options{
		Account: options.Account, Region: options.Region, Path: path("apigateway.json"), Now: options.Now,
		CheckIssuer: options.CheckIssuer, Endpoint: options.Endpoint, Logs: logging, Interfere: options.Interfere,
	})
	if err != nil {
		return nil, fmt.Errorf("opening aws: %w", err)
	}
	roles, err := iam.New(iam.Options{Account: options.Account, Path: path("iam.json"), Now: options.Now})
	if err != nil {
		return nil, fmt.Errorf("opening aws: %w", err)
	}
	functions, err := lambda.New(lambda.Options{
		Account: options.Account, Region: options.Region, Dir: options.Dir, Now: options.Now,
		Environment: options.Environment, Roles: roles, Logs: logging,
	})
	if err != nil {
		return nil, fmt.Errorf("opening aws: %w", err)
	}
	return &Cloud{
		region:   options.Region,
		verifier: sigv4.Verifier{AccessKeyID: AccessKeyID, SecretAccessKey: SecretAccessKey, Now: options.Now},
		gateway:  gateway,
		logs:     logging,
		roles:    roles,
		lambda:   functions,
		services: map[string]service{
			"apigateway": {protocol: wire.RestJSON, handler: gateway},
			"iam":        {protocol: wire.Query, handler: roles, global: true},
			"lambda":     {protocol: wire.RestJSON, handler: functions, maxBody: lambda.MaxBody},
			"logs":       {protocol: wire.JSON11, handler: logging},
			"sts":        {protocol: wire.Query, handler: sts.Service{Account: options.Account}, global: true},
			"tagging":    {protocol: wire.JSON11, handler: tagging.Service{Sources: []tagging.Source{gateway, functions, logging}}},
		},
	}, nil
}

// Close ends the functions and writing to the state. No state is lost without
// it.
func (c *Cloud) Close() error { return errors.Join(c.lambda.Close(), c.logs.Close()) }

// ServeHTTP authenticates a request and hands it to the service that it is
// signed for.
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set(wire.RequestIDHeader, uuid.NewString())
	// Clients whose clock differs correct it by this header and try again.
	w.Header().Set("Date", c.verifier.Now().UTC().Format(http.TimeFormat))
	credential, err := sigv4.Parse(r)
	protocol := guessProtocol(r)
	called, known := c.services[credential.Service]
	if known {
		protocol = called.protocol
	}
	body, readErr := io.ReadAll(http.MaxBytesReader(w, r.Body, cmp.Or(called.maxBody, maxBody)))
	if readErr != nil {
		protocol.WriteError(w, &wire.Error{
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
		protocol.WriteError(w, authenticationError(protocol, err))
		return
	}
	if !known {
		protocol.WriteError(w, wire.NotImplemented("AWS service "+credential.Service))
		return
	}
	if temporary {
		if err := c.authorize(credential.Service, called, session, r, body); err != nil {
			protocol.WriteError(w, err)
			return
		}
		r = r.WithContext(iam.WithSession(r.Context(), session))
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	called.handler.ServeHTTP(w, r)
}

// authorize refuses what the policies of a session's role do not allow. The
// texts are those of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html.
func (c *Cloud) authorize(name string, called service, session iam.Session, r *http.Request, body []byte) error {
	action, resource := name+":*", "*" // what services say that roles cannot call
	allowed := false
	if target, ok := called.handler.(permitted); ok {
		action, resource = target.Request(r, body)
		allowed = action == "" || c.roles.Allows(session.RoleARN, action, resource)
	}
	if allowed {
		return nil
	}
	refusal := &wire.Error{Status: http.StatusForbidden, Code: "AccessDeniedException", Message: fmt.Sprintf(
		"User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		session.ARN, action, resource, action)}
	switch called.protocol {
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

// Served implements [edge.Source].
func (c *Cloud) Served(apiID string) (edge.Served, uint64, bool) {
	api, stages, generation, ok := c.gateway.Deployed(apiID)
	served := edge.Served{API: api}
	for stage, deployment := range stages {
		if deployment != nil {
			served.Stages = append(served.Stages, edge.ServedStage{Stage: *stage, Deployment: *deployment})
		}
	}
	return served, generation, ok
}

// Generation implements [edge.Source].
func (c *Cloud) Generation() uint64 { return c.gateway.Generation() }

// Deliver implements [edge.LogSink].
func (c *Cloud) Deliver(logGroupARN, stream string, at time.Time, line string) error {
	return c.logs.Deliver(logGroupARN, stream, at, line)
}

// apiGateway is who calls functions for APIs.
const apiGateway = "apigateway.amazonaws.com"

// Invoke implements [edge.Functions].
func (c *Cloud) Invoke(ctx context.Context, arn, source string, payload []byte) ([]byte, error) {
	result, err := c.lambda.InvokeAs(ctx, apiGateway, source, arn, payload)
	switch {
	case errors.Is(err, lambda.ErrNotPermitted):
		return nil, fmt.Errorf("%w: %s for %s", edge.ErrNotPermitted, arn, source)
	case err != nil:
		return nil, fmt.Errorf("invoking %s: %w", arn, err)
	case result.Failure != "":
		return nil, &edge.FunctionError{Kind: result.Failure, Payload: result.Payload}
	}
	return result.Payload, nil
}
