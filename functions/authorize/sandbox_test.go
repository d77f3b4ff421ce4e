package authorize

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access/policy"
	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/signin"
	"github.com/entragate/entragate/sandbox/store"
)

// idle is a daemon without a role.
const idle = "77777777-7777-4777-8777-777777777777"

// seededTenant is a directory with an API, and two daemons of which one has a
// role on it.
func seededTenant(t *testing.T, secret string) *directory.State {
	t.Helper()
	st, _, err := directory.Seed(directory.SeedOptions{TenantID: tenant, DisplayName: "contoso", InitialDomain: "contoso.onmicrosoft.com"})
	require.NoError(t, err)
	export := "Orders.Export"
	for _, appID := range []string{api, daemon, idle} {
		a := &directory.Application{ID: "object-" + appID, AppID: appID, DisplayName: appID, SignInAudience: "AzureADMyOrg"}
		a.FillCollections()
		if appID == api {
			a.IdentifierURIs = []string{"api://" + api}
			a.API.RequestedAccessTokenVersion = new(2)
			a.AppRoles = []directory.AppRole{{ID: "role", DisplayName: export, Value: &export, IsEnabled: true, AllowedMemberTypes: []string{"Application"}}}
			a.OptionalClaims = &directory.OptionalClaims{AccessToken: []directory.OptionalClaim{{Name: "idtyp"}}}
		}
		a.PasswordCredentials = []directory.PasswordCredential{{
			KeyID: "secret-" + appID, SecretSHA256: directory.HashSecret(secret),
			StartDateTime: time.Now().Add(-time.Hour), EndDateTime: time.Now().Add(time.Hour), AddedAt: time.Now().Add(-time.Hour),
		}}
		st.Applications[a.ID] = a
		principal := &directory.ServicePrincipal{
			ID: "principal-" + appID, AppID: appID, DisplayName: appID, AccountEnabled: true, ServicePrincipalType: "Application",
		}
		st.ServicePrincipals[principal.ID] = principal
	}
	st.Assignments["a"] = &directory.Assignment{ID: "a", AppRoleID: "role", PrincipalID: "principal-" + daemon, ResourceID: "principal-" + api}
	return st
}

// TestTokensOfTheSandbox signs daemons in to the sandbox's sign-in service, and
// verifies what it issues with what it publishes.
func TestTokensOfTheSandbox(t *testing.T) {
	t.Parallel()
	secret := directory.NewSecret()
	tenants, err := store.Open("", seededTenant(t, secret))
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(nil)
	base := "https://" + server.Listener.Addr().String()
	service, err := signin.New(signin.Options{Tenants: []*directory.Directory{tenants}, BaseURL: base, Now: time.Now})
	require.NoError(t, err)
	server.Config.Handler = service
	server.StartTLS()
	t.Cleanup(server.Close)

	signIn := func(client, scope string) string {
		answer, err := server.Client().PostForm(base+"/"+tenant+"/oauth2/v2.0/token", url.Values{
			"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {secret}, "scope": {scope},
		})
		require.NoError(t, err)
		defer answer.Body.Close()
		require.Equal(t, http.StatusOK, answer.StatusCode)
		var got struct {
			Token string `json:"access_token"`
		}
		require.NoError(t, json.NewDecoder(answer.Body).Decode(&got))
		return got.Token
	}
	w := newWorld(t)
	w.Authorizer, err = New(Config{
		Issuer: base + "/" + tenant + "/v2.0", Audience: api, TenantID: tenant,
		Policy: policy.Policy{Routes: map[string]policy.Route{roles: {Roles: []string{"Orders.Export"}}, scopes: {Scopes: []string{"Orders.Read"}}}},
	}, Options{Client: server.Client(), Log: w.Authorizer.log})
	require.NoError(t, err)

	exporter := signIn(daemon, "api://"+api+"/.default")
	answer, reason := w.call(t, exporter, roles)
	require.Equal(t, none, reason)
	require.Equal(t, daemon, answer.Context["azp"])
	require.Equal(t, "principal-"+daemon, answer.Context["oid"])
	require.Equal(t, "app", answer.Context["idtyp"])
	for name, tt := range map[string]struct {
		token, route string
		want         Reason
	}{
		"a route for users":       {exporter, scopes, ReasonMissingRole},
		"a daemon without a role": {signIn(idle, api+"/.default"), roles, ReasonMissingRole},
		"a token for Graph":       {signIn(daemon, "https://graph.microsoft.com/.default"), roles, ReasonWrongIssuer}, // a v1 token
	} {
		_, reason := w.call(t, tt.token, tt.route)
		require.Equal(t, tt.want, reason, name)
	}
}
