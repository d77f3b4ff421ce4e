// Package aws simulates the control planes of one AWS account and region: API
// Gateway v2, CloudWatch Logs, the tagging API and what clients ask of STS. A
// [Cloud] is what AWS_ENDPOINT_URL points at.
package aws

import (
	"bytes"
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
	"github.com/entragate/entragate/sandbox/aws/logs"
	"github.com/entragate/entragate/sandbox/aws/sigv4"
	"github.com/entragate/entragate/sandbox/aws/sts"
	"github.com/entragate/entragate/sandbox/aws/tagging"
	"github.com/entragate/entragate/sandbox/aws/wire"
	"github.com/entragate/entragate/sandbox/edge"
)

// The one access key that the cloud knows. Requests must be signed with it.
const (
	AccessKeyID     = "sandbox"
	SecretAccessKey = "sandbox"
)

// maxBody is above every limit of the services, in bytes.
const maxBody = 10 << 20

// Options configure a [Cloud].
type Options struct {
	Account     string                    // twelve digits; default 000000000000
	Region      string                    // default us-east-1
	Dir         string                    // existing directory of the state; "" keeps it in memory
	Now         func() time.Time          // default time.Now
	CheckIssuer apigateway.IssuerCheck    // required
	Endpoint    func(apiID string) string // URL of an API's data plane; required

	// Interfere makes operations of API Gateway meet concurrent ones, see
	// [apigateway.Options].
	Interfere func(operation string) bool
}

// Cloud is the control planes of one account and region. It is an
// [http.Handler], an [edge.Source] and an [edge.LogSink].
type Cloud struct {
	region   string
	verifier sigv4.Verifier
	services map[string]service // by the name in the credential scope
	gateway  *apigateway.Service
	logs     *logs.Service
}

// service is a handler and the protocol that it speaks.
type service struct {
	protocol wire.Protocol
	handler  http.Handler
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
	path := ""
	if options.Dir != "" {
		path = filepath.Join(options.Dir, "apigateway.json")
	}
	gateway, err := apigateway.New(apigateway.Options{
		Account: options.Account, Region: options.Region, Path: path, Now: options.Now,
		CheckIssuer: options.CheckIssuer, Endpoint: options.Endpoint, Logs: logging, Interfere: options.Interfere,
	})
	if err != nil {
		return nil, fmt.Errorf("opening aws: %w", err)
	}
	return &Cloud{
		region:   options.Region,
		verifier: sigv4.Verifier{AccessKeyID: AccessKeyID, SecretAccessKey: SecretAccessKey, Now: options.Now},
		gateway:  gateway,
		logs:     logging,
		services: map[string]service{
			"apigateway": {wire.RestJSON, gateway},
			"logs":       {wire.JSON11, logging},
			"sts":        {wire.Query, sts.Service{Account: options.Account}},
			"tagging":    {wire.JSON11, tagging.Service{Sources: []tagging.Source{gateway, logging}}},
		},
	}, nil
}

// Close ends writing to the state. Nothing is lost without it.
func (c *Cloud) Close() error { return c.logs.Close() }

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
	body, readErr := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if readErr != nil {
		protocol.WriteError(w, &wire.Error{
			Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLargeException", Message: readErr.Error(),
		})
		return
	}
	if err == nil {
		err = c.verifier.Verify(r, body, credential)
	}
	// STS is global too: clients may sign for us-east-1 wherever they are.
	if err == nil && credential.Region != c.region && credential.Service != "sts" {
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
	r.Body = io.NopCloser(bytes.NewReader(body))
	called.handler.ServeHTTP(w, r)
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
