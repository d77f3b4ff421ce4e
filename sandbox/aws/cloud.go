// Package aws simulates one AWS account and region: the control plane of API
// Gateway v2, Lambda, Secrets Manager, KMS, EventBridge, CloudWatch and its Logs,
// SNS, the tagging API and what clients ask of IAM and STS. A [Cloud] is what
// AWS_ENDPOINT_URL points at.
package aws

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"time"

	"github.com/entragate/entragate/sandbox/aws/apigateway"
	"github.com/entragate/entragate/sandbox/aws/cloudwatch"
	"github.com/entragate/entragate/sandbox/aws/events"
	"github.com/entragate/entragate/sandbox/aws/iam"
	"github.com/entragate/entragate/sandbox/aws/kms"
	"github.com/entragate/entragate/sandbox/aws/lambda"
	"github.com/entragate/entragate/sandbox/aws/logs"
	"github.com/entragate/entragate/sandbox/aws/secretsmanager"
	"github.com/entragate/entragate/sandbox/aws/sigv4"
	"github.com/entragate/entragate/sandbox/aws/sns"
	"github.com/entragate/entragate/sandbox/aws/sts"
	"github.com/entragate/entragate/sandbox/aws/tagging"
	"github.com/entragate/entragate/sandbox/aws/wire"
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
	Log         *slog.Logger              // gets rotations, alarms and deliveries; default slog.Default()

	// ClientNow is the clock of clients, if Now was moved away from it: requests
	// that are on time by either are taken. AWS has one clock, and clients that
	// cannot correct theirs, such as the AWS CLI, would be locked out. Default: Now.
	ClientNow func() time.Time

	// OutboundIssuer is the address of the account's issuer of web identity tokens,
	// which serves what [Cloud.Issuer] does. Without one there are no such tokens.
	OutboundIssuer string

	// URL is where [Cloud.Links] is served, for links in the messages of topics.
	// Default: AWS's own address, where nobody can follow them.
	URL string

	// Client calls those who subscribe to topics, on loopback only, and Mail gets
	// what mailboxes would; see [sns.Options].
	Client *http.Client
	Mail   func(endpoint, subject, message string)

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
	account    string
	region     string
	log        *slog.Logger
	verifier   sigv4.Verifier
	services   map[string]service // by the name in the credential scope
	gateway    *apigateway.Service
	logs       *logs.Service
	roles      *iam.Service
	lambda     *lambda.Service
	identities *sts.Service
	keys       *kms.Service
	secrets    *secretsmanager.Service
	metrics    *cloudwatch.Service
	events     *events.Service
	topics     *sns.Service
	now        func() time.Time
}

// service is a handler and the protocol that it speaks.
type service struct {
	protocol wire.Protocol
	handler  http.Handler
	global   bool  // may be signed for another region than the cloud's
	maxBody  int64 // 0 means maxBody

	// writeError answers a refusal of a service that speaks several protocols.
	writeError func(http.ResponseWriter, *http.Request, error)
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
	if options.Log == nil {
		options.Log = slog.Default()
	}
	c := &Cloud{
		account: options.Account, region: options.Region, log: options.Log, now: options.Now,
		verifier: sigv4.Verifier{
			AccessKeyID: AccessKeyID, SecretAccessKey: SecretAccessKey, Now: options.Now, Clients: options.ClientNow,
		},
	}
	if err := c.open(options); err != nil {
		return nil, fmt.Errorf("opening aws: %w", err)
	}
	c.services = map[string]service{
		"apigateway":     {protocol: wire.RestJSON, handler: c.gateway},
		"events":         {protocol: wire.JSON11, handler: c.events},
		"iam":            {protocol: wire.Query, handler: c.roles, global: true},
		"kms":            {protocol: wire.JSON11, handler: c.keys},
		"lambda":         {protocol: wire.RestJSON, handler: c.lambda, maxBody: lambda.MaxBody},
		"logs":           {protocol: wire.JSON11, handler: c.logs},
		"monitoring":     {handler: c.metrics, writeError: cloudwatch.WriteError},
		"secretsmanager": {protocol: wire.JSON11, handler: c.secrets},
		"sns":            {handler: c.topics, writeError: sns.WriteError},
		"sts":            {protocol: wire.Query, handler: c.identities, global: true},
		"tagging": {protocol: wire.JSON11, handler: tagging.Service{Sources: []tagging.Source{
			c.gateway, c.lambda, c.logs, c.secrets, c.keys, c.metrics, c.events, c.topics,
		}}},
	}
	return c, nil
}

// open opens the services, those before that others are made of.
func (c *Cloud) open(o Options) (err error) {
	path := func(name string) string {
		if o.Dir == "" {
			return ""
		}
		return filepath.Join(o.Dir, name)
	}
	if c.roles, err = iam.New(iam.Options{Account: o.Account, Path: path("iam.json"), Now: o.Now, Issuer: o.OutboundIssuer}); err != nil {
		return err
	}
	if c.identities, err = sts.New(sts.Options{
		Account: o.Account, Region: o.Region, Path: path("sts.json"), Now: o.Now, Roles: c.roles,
	}); err != nil {
		return err
	}
	if c.keys, err = kms.New(kms.Options{
		Account: o.Account, Region: o.Region, Path: path("kms.json"), Now: o.Now, Roles: c.roles,
	}); err != nil {
		return err
	}
	if c.metrics, err = cloudwatch.New(cloudwatch.Options{
		Account: o.Account, Region: o.Region, Dir: o.Dir, Now: o.Now, Notify: c.notify,
	}); err != nil {
		return err
	}
	if c.logs, err = logs.New(logs.Options{
		Account: o.Account, Region: o.Region, Dir: o.Dir, Now: o.Now, CheckKey: c.checkLogKey, Record: c.metrics.Record,
	}); err != nil {
		return err
	}
	if c.gateway, err = apigateway.New(apigateway.Options{
		Account: o.Account, Region: o.Region, Path: path("apigateway.json"), Now: o.Now,
		CheckIssuer: o.CheckIssuer, Endpoint: o.Endpoint, Logs: c.logs, Interfere: o.Interfere,
	}); err != nil {
		return err
	}
	if c.secrets, err = secretsmanager.New(secretsmanager.Options{
		Account: o.Account, Region: o.Region, Path: path("secretsmanager.json"), Now: o.Now,
		Caller: c.secretsCaller, Exists: c.exists, CheckKey: c.checkSecretKey,
		Permitted: c.mayRotate, Invoke: c.rotate, OnEvent: c.onRotation,
	}); err != nil {
		return err
	}
	if c.events, err = events.New(events.Options{
		Account: o.Account, Region: o.Region, Path: path("events.json"), Now: o.Now, Record: c.metrics.Record,
		Invoke: func(ctx context.Context, functionARN, ruleARN string, payload []byte) error {
			_, err := c.invokeAs(ctx, events.Principal, ruleARN, functionARN, payload)
			return err
		},
	}); err != nil {
		return err
	}
	if c.topics, err = sns.New(sns.Options{
		Account: o.Account, Region: o.Region, Path: path("sns.json"), Now: o.Now, Log: o.Log,
		Endpoint: o.URL, Client: o.Client, Mail: o.Mail,
		Caller: c.topicsCaller, Exists: c.exists, CheckKey: c.checkTopicKey,
		Invoke: func(ctx context.Context, functionARN, topicARN string, payload []byte) error {
			_, err := c.invokeAs(ctx, sns.Principal, topicARN, functionARN, payload)
			return err
		},
	}); err != nil {
		return err
	}
	// It is the last one, since it has something to close.
	c.lambda, err = lambda.New(lambda.Options{
		Account: o.Account, Region: o.Region, Dir: o.Dir, Now: o.Now,
		Environment: o.Environment, Roles: c.roles, Logs: c.logs, Measure: c.measureFunction,
	})
	return err
}

// Issuer serves the discovery document and the keys of the account's issuer of
// web identity tokens, at the path of Options.OutboundIssuer.
func (c *Cloud) Issuer() http.Handler { return c.identities.Issuer() }

// KillFunctions kills all processes of functions in the middle of whatever they
// do, and waits until they are dead. Their invocations fail.
func (c *Cloud) KillFunctions() { c.lambda.Kill() }

// Links is the cloud with what messages of topics link to, which is followed
// without a signature.
func (c *Cloud) Links() http.Handler { return c.topics.Links(c) }

// Close ends the deliveries, functions, rotations and writing to the state. No
// state is lost without it but the metrics of the last minute.
func (c *Cloud) Close() error {
	return errors.Join(c.topics.Close(), c.secrets.Close(), c.lambda.Close(), c.metrics.Close(), c.logs.Close())
}
