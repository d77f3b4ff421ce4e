package verify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
)

// Unavailable says that a caller's token is not to be had here, and what it takes.
type Unavailable struct{ Takes string }

func (e *Unavailable) Error() string { return "it takes " + e.Takes }

// AccountsOptions configure [NewAccounts].
type AccountsOptions struct {
	Target Target
	// TenantID is that of the API, and Authority its sign-in, such as
	// "https://login.microsoftonline.com/<tenant id>".
	TenantID, Authority string
	// Graph has the Entra credential of who runs this.
	Graph *clouds.Graph
	// Stored has the secrets that the rotator stores, for who may read them.
	Stored *secretsmanager.Client
	HTTP   *http.Client
	// SignIn are native clients of which a person signs in by a device code, as
	// Prompt then asks for.
	SignIn []string
	Prompt io.Writer
	// Supplied are tokens by caller, see [ReadTokens].
	Supplied map[string]string
	Now      func() time.Time
}

// Accounts gets tokens for an API in real accounts, with what is there: stored
// secrets, the credential of who runs this, a person who signs in, tokens that
// were supplied. It makes no secret, and takes no caller for another.
type Accounts struct {
	options AccountsOptions
	entra   endpoints
	self    func(context.Context) (own, error)

	// signing in: a person does one at a time.
	device  sync.Mutex
	signIns map[string]signIn
}

// NewAccounts refuses what cannot be: sign-ins of clients that have no device
// codes, tokens that are not what their caller would have.
func NewAccounts(o AccountsOptions) (*Accounts, error) {
	a := &Accounts{options: o, entra: endpoints{authority: o.Authority, http: o.HTTP}, signIns: map[string]signIn{}}
	a.self = onceContext(a.readSelf)
	for _, name := range o.SignIn {
		i := slices.IndexFunc(o.Target.Model.Clients, func(c access.Client) bool { return c.Name == name })
		switch {
		case i < 0:
			return nil, fmt.Errorf("--sign-in: got %q, want a client of the model", name)
		case o.Target.Model.Clients[i].Kind != access.ClientNative:
			return nil, fmt.Errorf("--sign-in: got %s, which is %s, want a native client: no other takes device codes, so supply a token by --token %s:user=FILE",
				name, o.Target.Model.Clients[i].Kind, name)
		}
	}
	callers := o.Target.Model.Matrix().Callers
	for id, token := range o.Supplied {
		i := slices.IndexFunc(callers, func(c access.Caller) bool { return c.ID == id })
		if i < 0 {
			return nil, fmt.Errorf("--token: got caller %q, want one of the access matrix", id)
		}
		found, err := readClaims(token)
		if err == nil {
			err = a.suits(callers[i], found)
		}
		if err != nil {
			return nil, fmt.Errorf("--token: %s: %w", id, err)
		}
	}
	return a, nil
}

// onceContext keeps the first answer that is no end of a context.
func onceContext[T any](get func(context.Context) (T, error)) func(context.Context) (T, error) {
	var mu sync.Mutex
	var got T
	var err error
	done := false
	return func(ctx context.Context) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if !done {
			got, err = get(ctx)
			done = ctx.Err() == nil
		}
		return got, err
	}
}

// own is who runs this, by their Entra credential.
type own struct {
	claims
	graphToken string
}

// readSelf asks for a token for Microsoft Graph, which says whose it is. Microsoft
// promises nothing about what is in such tokens, which others should not read.
func (a *Accounts) readSelf(ctx context.Context) (own, error) {
	token, err := a.options.Graph.Credential.GetToken(ctx, policy.TokenRequestOptions{
		Scopes: []string{a.options.Graph.Endpoint + "/.default"},
	})
	if err != nil {
		return own{}, err
	}
	found, err := readClaims(token.Token)
	return own{found, token.Token}, err
}

// isApp reports whether who runs this is the application, with no user.
func (o own) isApp(clientID string) bool {
	return o.Scope == "" && clientID != "" && o.client() == clientID
}

// Token implements [TokenSource]. An [Unavailable] error says what it takes.
func (a *Accounts) Token(ctx context.Context, caller access.Caller, client string) (Token, error) {
	token, err := a.token(ctx, caller, client)
	if err != nil {
		return token, fmt.Errorf("getting a token as %s: %w", caller.ID, err)
	}
	return token, nil
}

func (a *Accounts) token(ctx context.Context, caller access.Caller, client string) (Token, error) {
	if token, ok := a.options.Supplied[caller.ID]; ok {
		return Token{Access: token}, nil
	}
	switch caller.Kind {
	case access.CallerAnonymous:
		return Token{}, nil
	case access.CallerUser:
		signed, err := a.signedIn(ctx, client)
		return signed.token, err
	case access.CallerIDToken:
		return a.idToken(ctx, client)
	case access.CallerDaemon:
		return a.daemon(ctx, client)
	case access.CallerUnassignedDaemon:
		return a.unassignedDaemon(ctx)
	case access.CallerGraphToken:
		self, err := a.self(ctx)
		if err != nil {
			return Token{}, &Unavailable{"an Entra credential, as from `az login`: " + first(err)}
		}
		return Token{Access: self.graphToken}, nil
	default:
		return Token{}, a.unavailable(caller)
	}
}

// unavailable is what a caller takes that only others can supply.
func (a *Accounts) unavailable(caller access.Caller) error {
	return &Unavailable{fmt.Sprintf("--token %s=FILE: nothing here can be %s", caller.ID, caller.Title)}
}

// first is the first line of an error: the others list what was tried.
func first(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// daemon proves itself by its stored secret, or is who runs this.
func (a *Accounts) daemon(ctx context.Context, name string) (Token, error) {
	id := a.options.Target.Clients[name]
	takes := fmt.Sprintf("running this as %s (%s), or --token %s:app=FILE", name, id, name)
	if arn := a.options.Target.Secrets[name]; arn != "" {
		secret, err := storedSecret(ctx, a.options.Stored, arn)
		if err == nil {
			return outcome(a.entra.daemonToken(ctx, client{id: id, kind: access.ClientDaemon, secret: secret}, a.options.Target.Audience))
		}
		code := ""
		if e, ok := errors.AsType[smithy.APIError](err); ok {
			code = e.ErrorCode()
		}
		_, none := errors.AsType[*types.ResourceNotFoundException](err)
		switch {
		case none:
			takes = "its stored secret, which was never made: `entragate rotate " + name + "`; or " + takes
		case strings.HasPrefix(code, "AccessDenied"):
			takes = "secretsmanager:GetSecretValue on " + arn + ", as the readers in its credential have; or " + takes
		default:
			return Token{}, err
		}
	}
	if self, err := a.self(ctx); err == nil && self.isApp(id) {
		return a.ownToken(ctx)
	}
	return Token{}, &Unavailable{takes}
}

// unassignedDaemon is who runs this, if that is an application that the model
// does not have.
func (a *Accounts) unassignedDaemon(ctx context.Context) (Token, error) {
	takes := &Unavailable{"running this as an application of the tenant that holds no role on the API, or --token unassigned-daemon=FILE"}
	self, err := a.self(ctx)
	if err != nil || !self.isApp(self.client()) {
		return Token{}, takes
	}
	for _, id := range a.options.Target.Clients {
		if id == self.client() {
			return Token{}, takes
		}
	}
	token, err := a.ownToken(ctx)
	if err != nil || token.Access == "" {
		return token, err
	}
	if found, err := readClaims(token.Access); err != nil || len(found.Roles) > 0 {
		return Token{}, takes
	}
	return token, nil
}

// ownToken is a token for the API of who runs this, or why Entra gives none.
func (a *Accounts) ownToken(ctx context.Context) (Token, error) {
	token, err := a.options.Graph.Credential.GetToken(ctx, policy.TokenRequestOptions{
		Scopes: []string{a.options.Target.Audience + "/.default"},
	})
	if err != nil {
		return decidedBy(err)
	}
	return Token{Access: token.Token}, nil
}

// decidedBy finds Entra's decision in an error of a client library.
func decidedBy(err error) (Token, error) {
	if code := aadsts.FindString(err.Error()); slices.Contains(decided, code) {
		return Token{Refusal: code}, nil
	}
	return Token{}, err
}
