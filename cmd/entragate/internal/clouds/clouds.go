// Package clouds has clients of the two clouds that a stack lives in: those of
// the sandbox, or those that the machine's default credentials lead to. Both are
// the vendors' own SDKs, Microsoft Graph aside, of which a few calls are needed.
package clouds

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// requestTimeout bounds one request to a cloud.
const requestTimeout = 30 * time.Second

// Clouds are clients of one Entra tenant and one AWS account and region.
type Clouds struct {
	Graph          *Graph
	Gateway        *apigatewayv2.Client
	Logs           *cloudwatchlogs.Client
	Lambda         *lambda.Client
	IAM            *iam.Client
	SecretsManager *secretsmanager.Client
	KMS            *kms.Client
	Events         *eventbridge.Client
	CloudWatch     *cloudwatch.Client
	SNS            *sns.Client
	// HTTP reaches whatever the clouds serve to everybody.
	HTTP *http.Client
}

// newClouds makes the clients of AWS beside those that are given.
func newClouds(cfg aws.Config, graph *Graph, client *http.Client) *Clouds {
	cfg.HTTPClient = whole{cfg.HTTPClient}
	return &Clouds{
		Graph:          graph,
		Gateway:        apigatewayv2.NewFromConfig(cfg),
		Logs:           cloudwatchlogs.NewFromConfig(cfg),
		Lambda:         lambda.NewFromConfig(cfg),
		IAM:            iam.NewFromConfig(cfg),
		SecretsManager: secretsmanager.NewFromConfig(cfg),
		KMS:            kms.NewFromConfig(cfg),
		Events:         eventbridge.NewFromConfig(cfg),
		CloudWatch:     cloudwatch.NewFromConfig(cfg),
		SNS:            sns.NewFromConfig(cfg),
		HTTP:           client,
	}
}

// whole sends requests from memory. The SDK closes the body of a request once an
// answer begins, while net/http may still look for its end, and then the
// connection ends in the middle of a large answer: a page of a log, for one.
type whole struct{ client aws.HTTPClient }

// Do implements [aws.HTTPClient].
func (w whole) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return w.client.Do(r)
}

// Sandbox makes clients of the sandbox whose environment file was read. They
// see nothing of the machine's own credentials and proxies.
func Sandbox(env map[string]string) (*Clouds, error) {
	client, err := LoopbackClient(env["SSL_CERT_FILE"])
	if err != nil {
		return nil, err
	}
	host := env["AZURE_AUTHORITY_HOST"]
	credential, err := azidentity.NewClientSecretCredential(env["AZURE_TENANT_ID"], env["AZURE_CLIENT_ID"], env["AZURE_CLIENT_SECRET"],
		&azidentity.ClientSecretCredentialOptions{
			ClientOptions: azcore.ClientOptions{
				Transport: client,
				Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: host},
			},
			// There is no public list that a loopback authority could be on.
			DisableInstanceDiscovery: true,
		})
	if err != nil {
		return nil, fmt.Errorf("signing in to the sandbox as its deployer: %w", err)
	}
	cfg := aws.Config{
		Region:       env["AWS_REGION"],
		BaseEndpoint: aws.String(env["AWS_ENDPOINT_URL"]),
		Credentials:  credentials.NewStaticCredentialsProvider(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], ""),
		HTTPClient:   client,
	}
	return newClouds(cfg, &Graph{Endpoint: env["GRAPH_ENDPOINT"], Credential: credential, HTTP: client}, client), nil
}

// Default makes clients by the default credentials of both vendors' SDKs. The
// region, if empty, is that of the AWS configuration; graphURL is such as
// "https://graph.microsoft.com".
func Default(ctx context.Context, region, graphURL string) (*Clouds, error) {
	var options []func(*config.LoadOptions) error
	if region != "" {
		options = append(options, config.WithRegion(region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("finding AWS credentials: %w", err)
	}
	authority := os.Getenv("AZURE_AUTHORITY_HOST")
	credential, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
		// Instance discovery knows Microsoft's own hosts only.
		DisableInstanceDiscovery: authority != "" && !strings.Contains(authority, "//login."),
	})
	if err != nil {
		return nil, fmt.Errorf("finding Entra credentials: %w", err)
	}
	client := &http.Client{Timeout: requestTimeout}
	return newClouds(cfg, &Graph{Endpoint: graphURL, Credential: credential, HTTP: client}, client), nil
}

// LoopbackClient is an HTTP client that trusts the certificate authority in
// the file, reaches loopback only, and finds every name below localhost there,
// as browsers and curl do but Go's resolver does not.
// https://www.rfc-editor.org/rfc/rfc6761#section-6.3
func LoopbackClient(authorityFile string) (*http.Client, error) {
	raw, err := os.ReadFile(authorityFile)
	if err != nil {
		return nil, fmt.Errorf("reading the sandbox's certificate authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("reading %s: no certificate in it", authorityFile)
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	return &http.Client{
		Timeout: requestTimeout,
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
			MaxIdleConnsPerHost: 32,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				host, port, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				if host == "localhost" || strings.HasSuffix(host, ".localhost") {
					host = "127.0.0.1"
				}
				if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
					return nil, errNotLoopback
				}
				return dialer.DialContext(ctx, network, net.JoinHostPort(host, port))
			},
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

var errNotLoopback = errors.New("the sandbox is on loopback: want localhost or an address of 127.0.0.0/8")
