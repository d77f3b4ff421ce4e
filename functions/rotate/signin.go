package rotate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// entra is the sign-in service and Microsoft Graph. It keeps no tokens.
type entra struct {
	config Config
	// transport sends requests; nil means azcore's own.
	transport policy.Transporter
	sts       *sts.Client
}

// NewClouds makes the clients of the real clouds.
func NewClouds(config Config, account aws.Config) Clouds {
	e := entra{config: config, sts: sts.NewFromConfig(account, func(o *sts.Options) { o.Retryer = aws.NopRetryer{} })}
	return Clouds{Secrets: newSecretsManager(account), SignIn: e, OpenGraph: e.openGraph}
}

// options are those of all clients: each request is sent once, since the rotator
// tries again itself.
func (e entra) options(authority string) policy.ClientOptions {
	host, _, _ := splitAuthority(authority)
	return policy.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: "https://" + host + "/"},
		Transport: e.transport, Retry: policy.RetryOptions{MaxRetries: -1}, Telemetry: policy.TelemetryOptions{Disabled: true},
	}
}

// loginHosts are Microsoft's own. Of another, such as the sandbox, Microsoft
// knows nothing, so it is not asked about it.
// https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
var loginHosts = []string{"login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn"}

func isElsewhere(authority string) bool {
	host, _, _ := splitAuthority(authority)
	return !slices.Contains(loginHosts, host)
}

// graphScope asks for a token of Microsoft Graph, with whatever the client may do
// there. A client needs no permission for that.
func (e entra) graphScope() string { return e.config.GraphURL + "/.default" }

// bySecret is a credential that was just made, so that it has no token yet.
func (e entra) bySecret(v Value) (azcore.TokenCredential, error) {
	_, tenantID, ok := splitAuthority(v.Authority)
	if !ok {
		return nil, fmt.Errorf("authority: got %q, want https://<login host>/<tenant id>", v.Authority)
	}
	return azidentity.NewClientSecretCredential(tenantID, v.ClientID, string(v.ClientSecret), &azidentity.ClientSecretCredentialOptions{
		ClientOptions: e.options(v.Authority), DisableInstanceDiscovery: isElsewhere(v.Authority),
	})
}

// Test signs in for Microsoft Graph, since a client that users sign in to has no
// role on its API.
func (e entra) Test(ctx context.Context, v Value) error {
	credential, err := e.bySecret(v)
	if err != nil {
		return err
	}
	_, err = credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{e.graphScope()}})
	return signInError(ctx, err)
}

// The audience and the algorithm that Entra accepts of other issuers.
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust
const (
	exchangeAudience  = "api://AzureADTokenExchange"
	exchangeAlgorithm = "RS256"
	// assertionSeconds is enough for one sign-in, tried again for as long as the
	// rotator is patient.
	assertionSeconds = 300
)

// federated is a credential by AWS outbound identity federation: a token of the
// function's role, which Entra takes instead of a secret.
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html
func (e entra) federated(ctx context.Context) (azcore.TokenCredential, error) {
	out, err := e.sts.GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{
		Audience: []string{exchangeAudience}, SigningAlgorithm: aws.String(exchangeAlgorithm), DurationSeconds: aws.Int32(assertionSeconds),
	})
	if off := (*types.OutboundWebIdentityFederationDisabledException)(nil); errors.As(err, &off) {
		return nil, fmt.Errorf("outbound identity federation is off in this AWS account, want it on "+
			"(aws iam enable-outbound-web-identity-federation), or a secret of the rotator's own in %s: %w", SecretARNVariable, err)
	}
	if err != nil {
		return nil, awsError(err)
	}
	assertion := aws.ToString(out.WebIdentityToken)
	_, tenantID, _ := splitAuthority(e.config.Authority)
	return azidentity.NewClientAssertionCredential(tenantID, e.config.ClientID,
		func(context.Context) (string, error) { return assertion, nil },
		&azidentity.ClientAssertionCredentialOptions{
			ClientOptions: e.options(e.config.Authority), DisableInstanceDiscovery: isElsewhere(e.config.Authority),
		})
}

// passing are what the sign-in service answers when it does not know yet of what
// was just made: a secret, an application, its service principal, a federated
// credential (by issuer, by audience, by subject); or when it could not fetch the
// keys of an assertion's issuer.
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
var passing = []int{7000215, 700016, 7000229, 70021, 700211, 700212, 700213, 50166}

// signInError says why signing in failed, in fewer words than azidentity, and
// marks what may succeed later.
func signInError(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var failed *azidentity.AuthenticationFailedError
	if !errors.As(err, &failed) || failed.RawResponse == nil {
		return unanswered(ctx, err)
	}
	var answer struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		Codes       []int  `json:"error_codes"`
	}
	if body, readErr := runtime.Payload(failed.RawResponse); readErr == nil {
		_ = json.Unmarshal(body, &answer) // else there is the status
	}
	// The further lines are ids and a time.
	description, _, _ := strings.Cut(answer.Description, "\r\n")
	status := failed.RawResponse.StatusCode
	said := fmt.Errorf("the sign-in service answered %d %s: %s", status, answer.Error, description)
	if isBusy(status) || slices.ContainsFunc(answer.Codes, func(code int) bool { return slices.Contains(passing, code) }) {
		return &TemporaryError{Err: said, After: retryAfter(failed.RawResponse)}
	}
	return said
}

// unanswered is an error without an answer, which is worth another try unless
// the function's time is up.
func unanswered(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return &TemporaryError{Err: err}
}

// isBusy tells of a status whether the service may answer otherwise later.
func isBusy(status int) bool {
	return status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500
}

// retryAfter is how long a service wants to be left alone. Microsoft's give
// seconds.
// https://learn.microsoft.com/graph/throttling
func retryAfter(r *http.Response) time.Duration {
	seconds, err := strconv.Atoi(r.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
