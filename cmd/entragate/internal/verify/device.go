package verify

import (
	"context"
	"fmt"
	"slices"

	"github.com/AzureAD/microsoft-authentication-library-for-go/apps/public"

	"github.com/entragate/entragate/access"
)

// signIn is what a person's sign-in gave.
type signIn struct {
	token   Token
	idToken string
	err     error
}

// signedIn has a person sign in to a client by a device code, once.
// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
func (a *Accounts) signedIn(ctx context.Context, name string) (signIn, error) {
	a.device.Lock()
	defer a.device.Unlock()
	if done, ok := a.signIns[name]; ok {
		return done, done.err
	}
	if !slices.Contains(a.options.SignIn, name) {
		return signIn{}, a.noSignIn(name)
	}
	done := a.byDevice(ctx, name)
	if ctx.Err() == nil {
		a.signIns[name] = done
	}
	return done, done.err
}

// noSignIn is what a user of a client takes.
func (a *Accounts) noSignIn(name string) error {
	takes := fmt.Sprintf("--token %s:user=FILE", name)
	for _, c := range a.options.Target.Model.Clients {
		if c.Name == name && c.Kind == access.ClientNative {
			takes = fmt.Sprintf("--sign-in %s, or %s", name, takes)
		}
	}
	return &Unavailable{takes}
}

// noIDToken is what an ID token takes.
var noIDToken = &Unavailable{"--sign-in of a native client, or --token id-token=FILE"}

func (a *Accounts) byDevice(ctx context.Context, name string) signIn {
	model := a.options.Target.Model
	var scopes []string
	for _, c := range model.Clients {
		for _, s := range model.Scopes {
			if c.Name == name && !s.Retired() && slices.Contains(c.Scopes, s.Value) {
				scopes = append(scopes, a.options.Target.Scopes[s.Value])
			}
		}
	}
	if len(scopes) == 0 {
		scopes = []string{a.options.Target.Audience + "/.default"}
	}
	app, err := public.New(a.options.Target.Clients[name], public.WithAuthority(a.options.Authority), public.WithHTTPClient(a.options.HTTP),
		// The authority is the stack's own, and may be on no public list.
		public.WithInstanceDiscovery(false))
	if err != nil {
		return signIn{err: err}
	}
	code, err := app.AcquireTokenByDeviceCode(ctx, scopes)
	if err != nil {
		return signIn{err: err}
	}
	fmt.Fprintf(a.options.Prompt, "%s: as somebody who is assigned to the API: %s\n", name, code.Result.Message)
	result, err := code.AuthenticationResult(ctx)
	if err != nil {
		token, err := decidedBy(err)
		return signIn{token: token, err: err}
	}
	return signIn{token: Token{Access: result.AccessToken}, idToken: result.IDToken.RawToken}
}

// idToken is that of a sign-in to any client: they differ in nothing that the
// gateway looks at.
func (a *Accounts) idToken(ctx context.Context, name string) (Token, error) {
	names := append([]string{name}, a.options.SignIn...)
	for _, n := range names {
		if !slices.Contains(a.options.SignIn, n) {
			continue
		}
		if done, err := a.signedIn(ctx, n); err == nil && done.idToken != "" {
			return Token{Access: done.idToken}, nil
		}
	}
	return Token{}, noIDToken
}

// Way says how a caller's token is got, as far as that is known beforehand, or
// what it takes.
func (a *Accounts) Way(caller access.Caller, client string) (way string, possible bool) {
	_, supplied := a.options.Supplied[caller.ID]
	switch {
	case supplied:
		return "the token that was supplied", true
	case caller.Kind == access.CallerAnonymous:
		return "no token", true
	case caller.Kind == access.CallerUser && slices.Contains(a.options.SignIn, client):
		return "a device-code sign-in", true
	case caller.Kind == access.CallerIDToken && len(a.options.SignIn) > 0:
		return "the ID token of a device-code sign-in", true
	case caller.Kind == access.CallerDaemon && a.options.Target.Secrets[client] != "":
		return "its stored secret, if who runs this may read it", true
	case caller.Kind == access.CallerDaemon:
		return "the credential of who runs this, if it is this client's", true
	case caller.Kind == access.CallerUnassignedDaemon:
		return "the credential of who runs this, if it is an application's without a role", true
	case caller.Kind == access.CallerGraphToken:
		return "a token for Microsoft Graph of who runs this", true
	case caller.Kind == access.CallerUser:
		return a.noSignIn(client).Error(), false
	case caller.Kind == access.CallerIDToken:
		return noIDToken.Error(), false
	default:
		return a.unavailable(caller).Error(), false
	}
}
