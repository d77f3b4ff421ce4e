package secretsmanager_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/secretsmanager"
)

const (
	account  = "123456789012"
	prefix   = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:"
	function = "arn:aws:lambda:eu-west-1:123456789012:function:rotate"
	user     = "arn:aws:iam::123456789012:user/sandbox"
	reader   = "arn:aws:iam::123456789012:role/reader"
	rotator  = "arn:aws:iam::123456789012:role/rotator"
	callerIs = "X-Test-Caller" // a header of requests
)

var start = time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)

// bench is a Secrets Manager, a real client of it, and a rotation function.
type bench struct {
	*sdk.Client
	t       *testing.T
	service *secretsmanager.Service
	options secretsmanager.Options
	url     string

	mu      sync.Mutex
	now     time.Time
	events  []string
	steps   []string                            // as the function was called
	callers map[string]secretsmanager.Caller    // by the header of their requests
	rotate  func(step, token string) error      // the function; nil works
	keys    func(key, who, action string) error // CheckKey
}

func newBench(t *testing.T, options secretsmanager.Options) *bench {
	t.Helper()
	b := &bench{t: t, now: start, callers: map[string]secretsmanager.Caller{"": {ARN: user, Full: true}}}
	options.Account, options.Region, options.Now = account, "eu-west-1", b.read
	options.Caller = func(r *http.Request) secretsmanager.Caller {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.callers[r.Header.Get(callerIs)]
	}
	options.CheckKey = func(key string, caller secretsmanager.Caller, action string) error {
		if b.keys == nil {
			return nil
		}
		return b.keys(key, caller.ARN, action)
	}
	options.OnEvent = func(kind, arn, detail string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		require.Contains(t, arn, prefix)
		b.events = append(b.events, kind+" "+detail)
	}
	if options.Invoke == nil {
		options.Invoke = b.invoke
	}
	b.options = options
	b.reopen()
	return b
}

// reopen opens the service as it would be after a restart.
func (b *bench) reopen() {
	b.t.Helper()
	service, err := secretsmanager.New(b.options)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { require.NoError(b.t, service.Close()) })
	server := httptest.NewServer(service)
	b.t.Cleanup(server.Close)
	b.service, b.url, b.Client = service, server.URL, client(server.URL, "")
}

// client is a client in the name of a caller.
func client(url, caller string) *sdk.Client {
	return sdk.New(sdk.Options{
		Region: "eu-west-1", BaseEndpoint: &url, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
		HTTPClient: named{caller},
	})
}

// named sends requests with the name of the caller.
type named struct{ caller string }

func (n named) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set(callerIs, n.caller)
	return http.DefaultClient.Do(r)
}

func (b *bench) as(caller string) *sdk.Client { return client(b.url, caller) }

func (b *bench) read() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) move(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// moveAndTick moves the clock and does what is due.
func (b *bench) moveAndTick(d time.Duration) {
	b.t.Helper()
	b.move(d)
	require.NoError(b.t, b.service.Tick())
}

// seen returns the events since the last look, without their details.
func (b *bench) seen() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := b.events
	b.events = nil
	return seen
}

func (b *bench) called() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	called := b.steps
	b.steps = nil
	return called
}

var errFunction = errors.New("the function says: hunter2")

// invoke is a rotation function after the template of AWS.
func (b *bench) invoke(ctx context.Context, arn, secretARN string, payload []byte) ([]byte, error) {
	var event struct{ Step, SecretId, ClientRequestToken string }
	if err := json.Unmarshal(payload, &event); err != nil || arn != function || event.SecretId != secretARN {
		return nil, errors.New("unexpected event")
	}
	b.mu.Lock()
	b.steps = append(b.steps, event.Step)
	fails := b.rotate
	b.mu.Unlock()
	if fails != nil {
		if err := fails(event.Step, event.ClientRequestToken); err != nil {
			return nil, err
		}
	}
	return nil, b.step(ctx, event.Step, secretARN, event.ClientRequestToken)
}

func (b *bench) step(ctx context.Context, step, arn, token string) error {
	c := b.as("rotator")
	described, err := c.DescribeSecret(ctx, &sdk.DescribeSecretInput{SecretId: &arn})
	if err != nil {
		return err
	}
	if !aws.ToBool(described.RotationEnabled) || described.VersionIdsToStages[token] == nil {
		return errors.New("rotation is not enabled, or there is no such version")
	}
	now := ""
	for id, stages := range described.VersionIdsToStages {
		for _, stage := range stages {
			if stage == "AWSCURRENT" {
				now = id
			}
		}
	}
	if now == token {
		return nil
	}
	switch step {
	case "createSecret":
		_, err := c.GetSecretValue(ctx, &sdk.GetSecretValueInput{SecretId: &arn, VersionId: &token, VersionStage: aws.String("AWSPENDING")})
		if err == nil {
			return nil
		}
		if code(err) != "ResourceNotFoundException" {
			return err
		}
		_, err = c.PutSecretValue(ctx, &sdk.PutSecretValueInput{
			SecretId: &arn, ClientRequestToken: &token, SecretString: aws.String("value of " + token), VersionStages: []string{"AWSPENDING"},
		})
		return err
	case "finishSecret":
		_, err := c.UpdateSecretVersionStage(ctx, &sdk.UpdateSecretVersionStageInput{
			SecretId: &arn, VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: &token, RemoveFromVersionId: optional(now),
		})
		if err != nil {
			return err
		}
		_, err = c.UpdateSecretVersionStage(ctx, &sdk.UpdateSecretVersionStageInput{
			SecretId: &arn, VersionStage: aws.String("AWSPENDING"), RemoveFromVersionId: &token,
		})
		return err
	}
	return nil
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// create makes a secret, with a value unless that is empty.
func (b *bench) create(name, value string) string {
	b.t.Helper()
	out, err := b.CreateSecret(b.t.Context(), &sdk.CreateSecretInput{Name: &name, SecretString: optional(value)})
	require.NoError(b.t, err)
	return *out.ARN
}

func (b *bench) put(id, value string, stages ...string) string {
	b.t.Helper()
	out, err := b.PutSecretValue(b.t.Context(), &sdk.PutSecretValueInput{SecretId: &id, SecretString: &value, VersionStages: stages})
	require.NoError(b.t, err)
	return *out.VersionId
}

func (b *bench) get(id, stage string) string {
	b.t.Helper()
	out, err := b.GetSecretValue(b.t.Context(), &sdk.GetSecretValueInput{SecretId: &id, VersionStage: optional(stage)})
	require.NoError(b.t, err)
	return *out.SecretString
}

func (b *bench) describe(id string) *sdk.DescribeSecretOutput {
	b.t.Helper()
	out, err := b.DescribeSecret(b.t.Context(), &sdk.DescribeSecretInput{SecretId: &id})
	require.NoError(b.t, err)
	return out
}

func code(err error) string {
	var refusal smithy.APIError
	if !errors.As(err, &refusal) {
		return ""
	}
	return refusal.ErrorCode()
}

func requireRefusal(t *testing.T, err error, wanted, text string) {
	t.Helper()
	var refusal smithy.APIError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, wanted, refusal.ErrorCode(), refusal.ErrorMessage())
	require.Contains(t, refusal.ErrorMessage(), text)
}

func token() *string { return aws.String(uuid.NewString()) }
