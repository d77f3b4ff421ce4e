package rotate

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	sandbox "github.com/entragate/entragate/sandbox/entra"
	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/store"
)

// tenant is a world whose Entra is the sandbox's: the real clients sign in and
// call Microsoft Graph over the network.
type tenant struct {
	*world
	server    *httptest.Server
	issuer    *awsIssuer
	directory *directory.Directory
}

const controlKey = "control"

func newTenant(t *testing.T) *tenant {
	t.Helper()
	s := &tenant{world: newWorld(t)}
	s.issuer = newAWSIssuer(t, func() time.Time { return s.now })
	s.server = httptest.NewUnstartedServer(nil)
	base := "https://" + s.server.Listener.Addr().String()
	now := func() time.Time { return s.now }
	state, _, err := directory.Seed(directory.SeedOptions{TenantID: tenantID, GraphURL: base, Now: now})
	require.NoError(t, err)
	s.directory, err = store.Open("", state)
	require.NoError(t, err)
	cloud, err := sandbox.New(sandbox.Options{
		Tenants: []*directory.Directory{s.directory}, BaseURL: base, ControlKey: controlKey, Now: now, HTTPClient: s.issuer.Client(), // both have the same certificate
	})
	require.NoError(t, err)
	s.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", s.now.UTC().Format(http.TimeFormat))
		cloud.ServeHTTP(w, r)
	})
	s.server.StartTLS()
	t.Cleanup(s.server.Close)

	s.config.GraphURL, s.config.Authority = base, base+"/"+tenantID
	s.vaults[arn].tags[AuthorityTag] = s.config.Authority
	s.register(clientID, "principal-"+rotatorID)
	s.register(rotatorID, "principal-"+rotatorID) // which owns itself as well
	s.grant("principal-"+rotatorID, directory.ApplicationReadWriteOwnedBy)
	s.change(rotatorID, func(a *directory.Application) {
		a.FederatedCredentials = []directory.FederatedCredential{{
			ID: "f", Name: "aws", Issuer: s.issuer.URL, Subject: roleARN, Audiences: []string{exchangeAudience},
		}}
	})
	return s
}

// useReal makes the function use the real clients of Entra.
func (s *tenant) useReal() {
	e := entra{config: s.config, transport: s.server.Client(), sts: s.issuer.sts()}
	s.clouds.SignIn, s.clouds.OpenGraph = e, func(own *Value) Applications {
		return recorder{e.openGraph(own), s.world}
	}
}

// recorder remembers the secrets that are issued.
type recorder struct {
	Applications
	world *world
}

func (r recorder) AddPassword(ctx context.Context, objectID, name string, end time.Time) (NewPassword, error) {
	added, err := r.Applications.AddPassword(ctx, objectID, name, end)
	if added.Text != "" {
		r.world.issued = append(r.world.issued, string(added.Text))
	}
	return added, err
}

func (s *tenant) register(appID, owner string) {
	s.Helper()
	require.NoError(s.T, s.directory.Update(func(st *directory.State) error {
		a := &directory.Application{
			ID: uuid.NewString(), AppID: appID, DisplayName: appID, SignInAudience: "AzureADMyOrg",
			CreatedDateTime: s.now, OwnerIDs: []string{owner},
		}
		a.FillCollections()
		st.Applications[a.ID] = a
		p := &directory.ServicePrincipal{
			ID: "principal-" + appID, AppID: appID, DisplayName: appID, AccountEnabled: true,
			ServicePrincipalType: "Application", CreatedDateTime: s.now,
		}
		st.ServicePrincipals[p.ID] = p
		return nil
	}))
}

func (s *tenant) grant(principal, permission string) {
	s.Helper()
	require.NoError(s.T, s.directory.Update(func(st *directory.State) error {
		graph := st.ServicePrincipalByAppID(directory.GraphAppID)
		for _, r := range graph.AppRoles {
			if *r.Value == permission {
				st.Assignments[permission] = &directory.Assignment{ID: permission, AppRoleID: r.ID, PrincipalID: principal, ResourceID: graph.ID}
			}
		}
		return nil
	}))
}

// change changes an application behind everybody's back.
func (s *tenant) change(appID string, f func(*directory.Application)) {
	s.Helper()
	require.NoError(s.T, s.directory.Update(func(st *directory.State) error {
		f(st.ApplicationByAppID(appID))
		return nil
	}))
}

func (s *tenant) setLag(d time.Duration) {
	s.Helper()
	request, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.server.URL+"/_sandbox/lag", strings.NewReader(fmt.Sprintf(`{"duration":%q}`, d)))
	require.NoError(s.T, err)
	request.Header.Set("Authorization", "Bearer "+controlKey)
	response, err := s.server.Client().Do(request)
	require.NoError(s.T, err)
	defer response.Body.Close()
	require.Equal(s.T, http.StatusOK, response.StatusCode)
}

// passwords are the key ids that an application has.
func (s *tenant) passwords(appID string) (keyIDs []string) {
	s.directory.View(func(st *directory.State) {
		for _, p := range st.ApplicationByAppID(appID).PasswordCredentials {
			keyIDs = append(keyIDs, p.KeyID)
		}
	})
	return keyIDs
}

// rotateOnce runs the steps, which must succeed at once.
func (s *tenant) rotateOnce(arn string) {
	s.Helper()
	id := s.begin(arn)
	for _, step := range []string{StepCreate, StepSet, StepTest, StepFinish} {
		require.NoError(s.T, s.invoke(s.Context(), Event{Step: step, SecretID: arn, Token: id}), "%s", s.log.String())
	}
	v := s.vaults[arn]
	v.lastRotated, v.nextAt = s.now, s.now.Add(s.config.Interval)
	current, ok := v.value(Current)
	require.True(s.T, ok)
	require.NoError(s.T, s.clouds.SignIn.Test(s.Context(), current))
	if previous, ok := v.value(Previous); ok {
		require.NoError(s.T, s.clouds.SignIn.Test(s.Context(), previous), "the previous one still works")
		require.Contains(s.T, s.passwords(current.ClientID), previous.KeyID)
	}
	require.LessOrEqual(s.T, len(s.passwords(current.ClientID)), 3)
}

// awsIssuer stands for AWS's STS and its issuer of outbound tokens.
type awsIssuer struct {
	*httptest.Server
	signer  jose.Signer
	subject string
}

const roleARN = "arn:aws:iam::123456789012:role/rotate"

func newAWSIssuer(t *testing.T, now func() time.Time) *awsIssuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	i := &awsIssuer{subject: roleARN}
	i.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "one"))
	require.NoError(t, err)
	i.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/openid-configuration":
			_ = json.NewEncoder(w).Encode(map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/jwks"})
		case "/jwks":
			_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "one", Algorithm: "RS256", Use: "sig"}}})
		default:
			_ = r.ParseForm()
			token, err := jwt.Signed(i.signer).Claims(map[string]any{
				"iss": i.URL, "sub": i.subject, "aud": r.Form.Get("Audience.member.1"), "jti": rand.Text(),
				"iat": now().Unix(), "nbf": now().Unix(), "exp": now().Add(5 * time.Minute).Unix(),
			}).Serialize()
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "text/xml")
			_, _ = io.WriteString(w, `<GetWebIdentityTokenResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetWebIdentityTokenResult><WebIdentityToken>`+
				token+`</WebIdentityToken></GetWebIdentityTokenResult></GetWebIdentityTokenResponse>`)
		}
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *awsIssuer) sts() *sts.Client {
	return sts.NewFromConfig(aws.Config{
		Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "x", ""), BaseEndpoint: &i.URL, HTTPClient: i.Client(),
	})
}

// deployOwnSecret puts the rotator's first secret, as who deploys does.
func (s *tenant) deployOwnSecret() {
	s.Helper()
	v := newVault(rotatorID)
	v.tags[AuthorityTag] = s.config.Authority
	s.vaults[ownARN] = v
	secret, version := directory.NewSecret(), uuid.NewString()
	s.issued = append(s.issued, secret)
	name, keyID, end := namePrefix+version, uuid.NewString(), s.now.Add(s.config.Lifetime)
	s.change(rotatorID, func(a *directory.Application) {
		a.PasswordCredentials = []directory.PasswordCredential{{
			KeyID: keyID, DisplayName: &name, StartDateTime: s.now, EndDateTime: end, SecretSHA256: directory.HashSecret(secret), AddedAt: s.now.Add(-time.Hour),
		}}
	})
	raw, err := Value{
		ClientID: rotatorID, TenantID: tenantID, Authority: s.config.Authority, Scope: "x", ClientSecret: Hidden(secret), KeyID: keyID, ExpiresAt: end,
	}.Encode()
	require.NoError(s.T, err)
	require.NoError(s.T, s.Put(s.Context(), ownARN, version, raw))
	s.vaults[ownARN].take(Pending)
}

func (s *tenant) revoke() {
	require.NoError(s.T, s.directory.Update(func(st *directory.State) error {
		delete(st.Assignments, directory.ApplicationReadWriteOwnedBy)
		return nil
	}))
}
