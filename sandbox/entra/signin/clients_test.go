package signin_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/confidential"
	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/entragate/entragate/sandbox/entra/browser"
	"github.com/entragate/entragate/sandbox/entra/directory"
	"github.com/entragate/entragate/sandbox/entra/signin"
)

// verified checks an access token as an API does, by go-oidc.
func (w *world) verified(raw string) map[string]any {
	w.t.Helper()
	ctx := oidc.ClientContext(w.t.Context(), w.server.Client())
	provider, err := oidc.NewProvider(ctx, w.base+"/"+contoso+"/v2.0")
	require.NoError(w.t, err)
	token, err := provider.Verifier(&oidc.Config{ClientID: apiID, Now: w.clock.Now}).Verify(ctx, raw)
	require.NoError(w.t, err)
	claims := map[string]any{}
	require.NoError(w.t, token.Claims(&claims))
	return claims
}

// instanceDiscovery runs a test with MSAL asking who the authority is, which
// it does at the real service's name, and without.
func instanceDiscovery(t *testing.T, test func(t *testing.T, w *world, ask bool)) {
	t.Helper()
	for name, ask := range map[string]bool{"with instance discovery": true, "without instance discovery": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newWorld(t), ask)
		})
	}
}

func TestMSALConfidentialClientBySecretAndCertificate(t *testing.T) {
	t.Parallel()
	instanceDiscovery(t, func(t *testing.T, w *world, ask bool) {
		pair := clientPair()
		w.registerCertificate(daemonID, pair)
		bySecret, err := confidential.NewCredFromSecret(w.secrets[daemonID])
		require.NoError(t, err)
		byCertificate, err := confidential.NewCredFromCert([]*x509.Certificate{pair.certificate}, pair.key)
		require.NoError(t, err)
		wrong, err := confidential.NewCredFromSecret("wrong")
		require.NoError(t, err)
		acquire := func(cred confidential.Credential, scope string) (confidential.AuthResult, error) {
			client, err := confidential.New(w.base+"/"+contoso, daemonID, cred, confidential.WithHTTPClient(w.rerouted()), confidential.WithInstanceDiscovery(ask))
			require.NoError(t, err)
			return client.AcquireTokenByCredential(t.Context(), []string{scope})
		}
		got, err := acquire(bySecret, apiURI+"/.default")
		require.NoError(t, err)
		require.Equal(t, "1", w.verified(got.AccessToken)["azpacr"])
		got, err = acquire(byCertificate, apiURI+"/.default")
		require.NoError(t, err)
		require.Equal(t, "2", w.verified(got.AccessToken)["azpacr"])
		_, err = acquire(wrong, apiURI+"/.default")
		require.ErrorContains(t, err, "AADSTS7000215")
		_, err = acquire(bySecret, apiURI+"/Orders.Read")
		require.ErrorContains(t, err, "AADSTS1002012")
	})
}

func TestMSALConfidentialClientByCode(t *testing.T) {
	t.Parallel()
	// So short a life that MSAL refreshes at once.
	w := newWorld(t, func(o *signin.Options) { o.Lifetime = func() time.Duration { return time.Minute } })
	cred, err := confidential.NewCredFromSecret(w.secrets[webID])
	require.NoError(t, err)
	client, err := confidential.New(w.base+"/"+contoso, webID, cred, confidential.WithHTTPClient(w.rerouted()))
	require.NoError(t, err)
	scopes := []string{apiURI + "/Orders.Read"}
	address, err := client.AuthCodeURL(t.Context(), webID, webRedirect, scopes)
	require.NoError(t, err)
	arrived, err := w.signIn(alice, address)
	require.NoError(t, err)
	got, err := client.AcquireTokenByAuthCode(t.Context(), arrived.Query().Get("code"), webRedirect, scopes)
	require.NoError(t, err)
	require.Equal(t, "Orders.Read", w.verified(got.AccessToken)["scp"])
	require.Equal(t, alice, got.IDToken.PreferredUsername)
	require.Equal(t, w.userID(alice)+"."+contoso, got.Account.HomeAccountID)
	silent, err := client.AcquireTokenSilent(t.Context(), scopes, confidential.WithSilentAccount(got.Account))
	require.NoError(t, err)
	require.NotEqual(t, got.AccessToken, silent.AccessToken)
	_, err = client.AcquireTokenByAuthCode(t.Context(), arrived.Query().Get("code"), webRedirect, scopes)
	require.ErrorContains(t, err, "AADSTS54005")
}

func TestMSALPublicClientInteractive(t *testing.T) {
	t.Parallel()
	instanceDiscovery(t, func(t *testing.T, w *world, ask bool) {
		client, err := public.New(nativeID, public.WithAuthority(w.base+"/"+contoso), public.WithHTTPClient(w.rerouted()), public.WithInstanceDiscovery(ask))
		require.NoError(t, err)
		// MSAL listens on a loopback port; the browser brings it the code.
		open := func(address string) error {
			go func() {
				arrived, err := w.signIn(alice, address)
				if err != nil {
					t.Error(err)
					return
				}
				params := arrived.Query() // MSAL asks for response_mode=form_post
				arrived.RawQuery = ""
				res, err := http.PostForm(arrived.String(), params)
				if err != nil {
					t.Error(err)
					return
				}
				_ = res.Body.Close()
			}()
			return nil
		}
		got, err := client.AcquireTokenInteractive(t.Context(), []string{apiURI + "/.default"}, public.WithRedirectURI("http://localhost"), public.WithOpenURL(open))
		require.NoError(t, err)
		require.Equal(t, "Orders.Read", w.verified(got.AccessToken)["scp"])
	})
}

func TestMSALPublicClientByDeviceCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, err := public.New(nativeID, public.WithAuthority(w.base+"/"+contoso), public.WithHTTPClient(w.rerouted()))
	require.NoError(t, err)
	device, err := client.AcquireTokenByDeviceCode(t.Context(), []string{apiURI + "/Orders.Read"})
	require.NoError(t, err)
	require.NoError(t, browser.Device(t.Context(), w.server.Client(), device.Result.VerificationURL, device.Result.UserCode, bob))
	got, err := device.AuthenticationResult(t.Context())
	require.NoError(t, err)
	require.Equal(t, "Orders.Read", w.verified(got.AccessToken)["scp"])
	require.Equal(t, bob, got.Account.PreferredUsername)
}

func TestAzidentityCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pair := clientPair()
	w.registerCertificate(daemonID, pair)
	options := azcore.ClientOptions{
		Cloud:     cloud.Configuration{ActiveDirectoryAuthorityHost: w.base},
		Transport: w.rerouted(),
		Retry:     policy.RetryOptions{MaxRetries: -1},
	}
	request := policy.TokenRequestOptions{Scopes: []string{apiURI + "/.default"}}
	bySecret, err := azidentity.NewClientSecretCredential(contoso, daemonID, w.secrets[daemonID], &azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	require.NoError(t, err)
	got, err := bySecret.GetToken(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, []any{"Orders.Process"}, w.verified(got.Token)["roles"])
	require.WithinDuration(t, w.clock.Now().Add(time.Hour), got.ExpiresOn, time.Minute)

	byCertificate, err := azidentity.NewClientCertificateCredential(contoso, daemonID, []*x509.Certificate{pair.certificate}, pair.key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: true})
	require.NoError(t, err)
	got, err = byCertificate.GetToken(t.Context(), request)
	require.NoError(t, err)
	require.Equal(t, "2", w.verified(got.Token)["azpacr"])

	wrong, err := azidentity.NewClientSecretCredential(contoso, daemonID, "wrong", &azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	require.NoError(t, err)
	_, err = wrong.GetToken(t.Context(), request)
	require.ErrorContains(t, err, "AADSTS7000215")
	var failed *azidentity.AuthenticationFailedError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, http.StatusUnauthorized, failed.RawResponse.StatusCode)
	elsewhere, err := azidentity.NewClientSecretCredential(fabrikam, daemonID, w.secrets[daemonID], &azidentity.ClientSecretCredentialOptions{ClientOptions: options})
	require.NoError(t, err)
	_, err = elsewhere.GetToken(t.Context(), request)
	require.ErrorContains(t, err, "AADSTS700016")
}

func TestOAuth2AndOIDCClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := oidc.ClientContext(t.Context(), w.server.Client())
	provider, err := oidc.NewProvider(ctx, w.base+"/"+contoso+"/v2.0")
	require.NoError(t, err)
	config := oauth2.Config{
		ClientID: webID, ClientSecret: w.secrets[webID], RedirectURL: webRedirect, Endpoint: provider.Endpoint(),
		Scopes: []string{oidc.ScopeOpenID, "profile", "offline_access", apiURI + "/Orders.Read"},
	}
	pkce := oauth2.GenerateVerifier()
	arrived, err := w.signIn(alice, config.AuthCodeURL("state", oauth2.S256ChallengeOption(pkce), oidc.Nonce("the nonce")))
	require.NoError(t, err)
	_, err = config.Exchange(ctx, arrived.Query().Get("code"), oauth2.VerifierOption(oauth2.GenerateVerifier()))
	require.ErrorContains(t, err, "AADSTS501481")
	got, err := config.Exchange(ctx, arrived.Query().Get("code"), oauth2.VerifierOption(pkce))
	require.NoError(t, err)
	require.Equal(t, "Orders.Read", w.verified(got.AccessToken)["scp"])
	idToken, err := provider.Verifier(&oidc.Config{ClientID: webID, Now: w.clock.Now}).Verify(ctx, got.Extra("id_token").(string))
	require.NoError(t, err)
	require.Equal(t, "the nonce", idToken.Nonce)
	_, err = provider.Verifier(&oidc.Config{ClientID: apiID, Now: w.clock.Now}).Verify(ctx, got.Extra("id_token").(string))
	require.ErrorContains(t, err, "audience")

	expired := &oauth2.Token{RefreshToken: got.RefreshToken, Expiry: time.Unix(1, 0)}
	refreshed, err := config.TokenSource(ctx, expired).Token()
	require.NoError(t, err)
	require.NotEqual(t, got.RefreshToken, refreshed.RefreshToken)

	graph := config
	graph.Scopes = []string{oidc.ScopeOpenID, "email"}
	arrived, err = w.signIn(alice, graph.AuthCodeURL("state"))
	require.NoError(t, err)
	got, err = graph.Exchange(ctx, arrived.Query().Get("code"))
	require.NoError(t, err)
	info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(got))
	require.NoError(t, err)
	require.Equal(t, alice, info.Email)
	require.Equal(t, idToken.Subject, info.Subject)
}

func TestOAuth2DeviceFlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, w.server.Client())
	config := oauth2.Config{
		ClientID: nativeID, Scopes: []string{apiURI + "/Orders.Read"},
		Endpoint: oauth2.Endpoint{DeviceAuthURL: w.base + "/" + contoso + "/oauth2/v2.0/devicecode", TokenURL: w.base + "/" + contoso + "/oauth2/v2.0/token", AuthStyle: oauth2.AuthStyleInParams},
	}
	started, err := config.DeviceAuth(ctx)
	require.NoError(t, err)
	require.NoError(t, w.atDevice(alice, started.UserCode))
	started.Interval = 1
	got, err := config.DeviceAccessToken(ctx, started)
	require.NoError(t, err)
	require.Equal(t, "Orders.Read", w.verified(got.AccessToken)["scp"])
}

func TestTokensOfTheOtherTenantFailByIssuerOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	f := url.Values{}
	require.NoError(t, w.fabrikam.Update(func(st *directory.State) error {
		secret := directory.NewSecret()
		other := st.ApplicationByAppID(st.StableID("client/" + directory.OtherClientName))
		other.PasswordCredentials = []directory.PasswordCredential{{SecretSHA256: directory.HashSecret(secret), EndDateTime: w.clock.Now().Add(time.Hour)}}
		other.API.RequestedAccessTokenVersion = new(2)
		f = form("grant_type", "client_credentials", "client_id", other.AppID, "client_secret", secret, "scope", other.AppID+"/.default")
		return nil
	}))
	got := w.tokenAt(fabrikam, f)
	requireToken(t, got)
	ctx := oidc.ClientContext(t.Context(), w.server.Client())
	provider, err := oidc.NewProvider(ctx, w.base+"/"+contoso+"/v2.0")
	require.NoError(t, err)
	_, err = provider.Verifier(&oidc.Config{ClientID: f.Get("client_id"), Now: w.clock.Now}).Verify(ctx, got.text("access_token"))
	require.ErrorContains(t, err, "different provider")
	_, err = provider.Verifier(&oidc.Config{ClientID: f.Get("client_id"), Now: w.clock.Now, SkipIssuerCheck: true}).Verify(ctx, got.text("access_token"))
	require.NoError(t, err, "the keys are those of the whole cloud")
}

func TestSecretsAreInNoAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res, err := w.client().PostForm(w.base+"/"+contoso+"/oauth2/v2.0/token", with(w.daemonForm(), "client_id", idleID))
	require.NoError(t, err)
	require.False(t, bytes.Contains([]byte(w.read(res)), []byte(w.secrets[daemonID])))
}
