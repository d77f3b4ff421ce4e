// Package notes_test deploys a program that imports the components, as its
// author would.
//
// Strategy: Entragate's dev stack is deployed into a sandbox of the test's own
// by the entragate program, which comes from $ENTRAGATE or is built. The notes
// program is then deployed beside it into the same clouds by the real Pulumi
// engine and providers, from this process, since Pulumi's Go language host is
// not a Go module. From then on the test is a user: it signs in at the
// sandbox's pages with golang.org/x/oauth2 and calls the API over TLS; what
// exists it asks Microsoft Graph and the AWS SDK. The backend is a server of the
// test, which sees what the gateway lets through.
package notes_test

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/entragate/entragate/examples/import/notes"
	"github.com/entragate/entragate/sandbox/entra/browser"
)

// person is a user of the sandbox whom the program assigns.
const person = "alice@contoso.onmicrosoft.com"

func TestDeployBesideDev(t *testing.T) {
	tools := tools(t)
	s := newSandbox(t, nil)
	require.Positive(t, s.up(0).Changes.Create)
	before := s.everything()

	var called atomic.Int32
	backend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called.Add(1)
		_, _ = io.WriteString(w, r.Method+" "+r.URL.Path)
	}))
	defer backend.Close()

	// The program asks the directory for its issuer with Go's own client.
	cleanEnvironment(t)
	t.Setenv("SSL_CERT_FILE", s.env["SSL_CERT_FILE"])
	stack := notesStack(t, s, tools.Root, tools.Env(), backend.URL)
	deployed, err := stack.Up(t.Context())
	require.NoError(t, err)
	require.Len(t, s.everything(), len(before)+22,
		"an API, three log groups, two functions, their roles, five applications, their principals and two grants for each of two clients")

	call := caller(t, s, deployed.Outputs)
	require.Equal(t, answer{200, "GET /notes"}, call(http.MethodGet, "cli", "Notes.Read"))
	require.Equal(t, answer{200, "POST /notes"}, call(http.MethodPost, "editor", "Notes.Write"))
	require.Equal(t, int32(2), called.Load())
	require.Equal(t, answer{401, `{"message":"Unauthorized"}`}, call(http.MethodGet, "", ""), "no token")
	require.Equal(t, answer{403, `{"message":"Forbidden"}`}, call(http.MethodPost, "cli", "Notes.Read"), "another scope")
	require.Equal(t, int32(2), called.Load(), "the backend sees nothing of what is refused")
	require.Equal(t, answer{200, "GET /notes"}, call(http.MethodGet, "backup", ""), "a daemon with the role")
	require.Equal(t, answer{403, `{"message":"Forbidden"}`}, call(http.MethodPost, "backup", ""), "a daemon where users may")
	require.Equal(t, int32(3), called.Load())
	words, ok := deployed.Outputs["access"].Value.(map[string]any)
	require.True(t, ok)
	require.Equal(t, "allowed by Notes.Read", words["GET /notes"].(map[string]any)["cli:user"])
	require.Contains(t, words["POST /notes"].(map[string]any)["cli:user"], "refused 403")

	again, err := stack.Up(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"same"}, kinds(*again.Summary.ResourceChanges), "a second run changes nothing")
	dev := s.up(0)
	require.Zero(t, dev.Changes.Create+dev.Changes.Update+dev.Changes.Delete+dev.Changes.Replace, "dev is left alone")

	_, err = stack.Destroy(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, s.everything(), "nothing of it is left, and nothing else is gone")
}

// notesStack is the program's dev stack, with what differs in a sandbox laid
// over its configuration.
func notesStack(t *testing.T, s *sandbox, pulumiRoot string, env map[string]string, backend string) auto.Stack {
	t.Helper()
	host := s.env["ARM_METADATA_HOSTNAME"]
	dir, state := t.TempDir(), t.TempDir()
	copyProject(t, "..", dir, map[string]any{
		"aws:region":               s.env["AWS_REGION"],
		"aws:skipMetadataApiCheck": "true",
		"notes:tenantId":           s.env["ARM_TENANT_ID"],
		"notes:loginHost":          host,
		"notes:deployer":           s.find("/servicePrincipals(appId='" + s.env["ARM_CLIENT_ID"] + "')"),
		"notes:backends":           []map[string]string{{"name": "notes", "url": backend}},
		"notes:assignment":         map[string]any{"users": []string{s.find("/users/" + person)}},
		"notes:architecture":       map[string]string{"amd64": "x86_64", "arm64": "arm64"}[runtime.GOARCH],
	})
	maps.Copy(env, s.env)
	env["PULUMI_BACKEND_URL"] = "file://" + filepath.ToSlash(state)
	env["PULUMI_CONFIG_PASSPHRASE"] = "of a state that is thrown away"
	command, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: pulumiRoot})
	require.NoError(t, err)
	stack, err := auto.UpsertStackInlineSource(t.Context(), "dev", "notes", notes.Deploy,
		auto.WorkDir(dir), auto.Pulumi(command), auto.EnvVars(env))
	require.NoError(t, err)
	return stack
}

// cleanEnvironment hides credentials and settings of whoever runs the test.
func cleanEnvironment(t *testing.T) {
	t.Helper()
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		for _, prefix := range []string{"AWS_", "ARM_", "AZURE_", "PULUMI_"} {
			if strings.HasPrefix(name, prefix) {
				t.Setenv(name, "") // which puts it back afterwards
				require.NoError(t, os.Unsetenv(name))
			}
		}
	}
}

type answer struct {
	status int
	body   string
}

// caller returns a function that calls the API with a token that a client got
// for one of its scopes, or by itself for none; without a token if there is no
// client.
func caller(t *testing.T, s *sandbox, outputs auto.OutputMap) func(method, client, scope string) answer {
	t.Helper()
	text := func(output, key string) string {
		values, ok := outputs[output].Value.(map[string]any)
		require.True(t, ok, "%s: %v", output, outputs[output].Value)
		value, ok := values[key].(string)
		require.True(t, ok, "%s: %v", output, values)
		return value
	}
	url, ok := outputs["url"].Value.(string)
	require.True(t, ok)
	return func(method, client, scope string) answer {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url+"/notes", nil)
		require.NoError(t, err)
		if client != "" {
			var token string
			if scope != "" {
				token = signIn(t, s, text("clients", client), text("scopes", scope))
			} else {
				token = daemonToken(t, s, text("clients", client), outputs["audience"].Value.(string))
			}
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := s.http.Do(req)
		require.NoError(t, err)
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return answer{res.StatusCode, strings.TrimSpace(string(body))}
	}
}

// signIn is the authorization code flow with PKCE, the person at a browser.
func signIn(t *testing.T, s *sandbox, clientID, scope string) string {
	t.Helper()
	client := oauth2.Config{
		ClientID: clientID, RedirectURL: "http://localhost", Scopes: []string{scope, "openid"},
		Endpoint: oauth2.Endpoint{
			AuthURL:  s.env["ENTRA_AUTHORITY"] + "/oauth2/v2.0/authorize",
			TokenURL: s.env["ENTRA_AUTHORITY"] + "/oauth2/v2.0/token",
		},
	}
	verifier := oauth2.GenerateVerifier()
	arrived, err := browser.SignIn(t.Context(), s.http, client.AuthCodeURL("state", oauth2.S256ChallengeOption(verifier)), person)
	require.NoError(t, err)
	token, err := client.Exchange(s.context(), arrived.Query().Get("code"), oauth2.VerifierOption(verifier))
	require.NoError(t, err, "%s", arrived)
	return token.AccessToken
}

// daemonToken is the client credentials flow, with a secret that is made for it.
func daemonToken(t *testing.T, s *sandbox, clientID, audience string) string {
	t.Helper()
	var made struct{ SecretText string }
	s.graph(http.MethodPost, s.env["GRAPH_ENDPOINT"]+"/v1.0/applications(appId='"+clientID+"')/addPassword", `{"passwordCredential":{}}`, &made)
	daemon := clientcredentials.Config{
		ClientID: clientID, ClientSecret: made.SecretText,
		TokenURL: s.env["ENTRA_AUTHORITY"] + "/oauth2/v2.0/token", Scopes: []string{audience + "/.default"},
	}
	token, err := daemon.Token(s.context())
	require.NoError(t, err)
	return token.AccessToken
}

// everything lists what is in both clouds, sorted.
func (s *sandbox) everything() []string {
	s.t.Helper()
	var all []string
	for _, kind := range []string{"applications", "servicePrincipals", "oauth2PermissionGrants"} {
		var page struct {
			Value []struct{ ID, DisplayName string }
			Next  string `json:"@odata.nextLink"`
		}
		s.graph(http.MethodGet, s.env["GRAPH_ENDPOINT"]+"/v1.0/"+kind+"?$top=100", "", &page)
		require.Empty(s.t, page.Next)
		for _, object := range page.Value {
			all = append(all, kind+" "+object.ID+" "+object.DisplayName)
		}
	}
	clients, err := config.LoadDefaultConfig(s.t.Context(), config.WithRegion(s.env["AWS_REGION"]),
		config.WithBaseEndpoint(s.env["AWS_ENDPOINT_URL"]),
		config.WithCredentialsProvider(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: s.env["AWS_ACCESS_KEY_ID"], SecretAccessKey: s.env["AWS_SECRET_ACCESS_KEY"]}, nil
		})))
	require.NoError(s.t, err)
	apis, err := apigatewayv2.NewFromConfig(clients).GetApis(s.t.Context(), &apigatewayv2.GetApisInput{})
	require.NoError(s.t, err)
	for _, api := range apis.Items {
		all = append(all, "api "+aws.ToString(api.ApiId)+" "+aws.ToString(api.Name))
	}
	groups, err := cloudwatchlogs.NewFromConfig(clients).DescribeLogGroups(s.t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{})
	require.NoError(s.t, err)
	for _, group := range groups.LogGroups {
		all = append(all, "log group "+aws.ToString(group.LogGroupName))
	}
	functions, err := lambda.NewFromConfig(clients).ListFunctions(s.t.Context(), &lambda.ListFunctionsInput{})
	require.NoError(s.t, err)
	for _, function := range functions.Functions {
		all = append(all, "function "+aws.ToString(function.FunctionName))
	}
	roles, err := iam.NewFromConfig(clients).ListRoles(s.t.Context(), &iam.ListRolesInput{})
	require.NoError(s.t, err)
	for _, role := range roles.Roles {
		all = append(all, "role "+aws.ToString(role.RoleName))
	}
	slices.Sort(all)
	return all
}

// kinds are what happened to resources, sorted.
func kinds(changes map[string]int) []string {
	var all []string
	for kind, n := range changes {
		if n > 0 {
			all = append(all, kind)
		}
	}
	slices.Sort(all)
	return all
}
