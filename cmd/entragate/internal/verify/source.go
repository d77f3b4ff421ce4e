package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/functions/rotate"
	"github.com/entragate/entragate/sandbox"
	"github.com/entragate/entragate/sandbox/entra/directory"
)

// People of the sandbox's tenant, by what they are to an API that is deployed
// there.
const (
	domain = "contoso.onmicrosoft.com"
	// Assigned is a user that a deployed API assigns.
	Assigned = "alice@" + domain
	// Unassigned is a user that nothing is assigned to.
	Unassigned = "carol@" + domain
	// otherTenantUser is a user of the sandbox's second tenant.
	otherTenantUser = "alice@fabrikam.onmicrosoft.com"
	// otherClientRedirect is where the tenant's unrelated client takes answers.
	otherClientRedirect = "http://localhost"
)

// Target is a deployed API.
type Target struct {
	// URL is where it answers.
	URL string
	// Audience is its client id.
	Audience string
	// Clients are client ids, by the names of the model.
	Clients map[string]string
	// Scopes are what clients ask for, by the values of the model.
	Scopes map[string]string
	// Secrets are the ARNs of stored secrets, by the names of clients.
	Secrets map[string]string
	Model   access.Model
}

// Sandbox gets tokens for an API in the sandbox, by the flows that clients use
// where there is one, for users and with the client secrets that are stored for
// applications, or else that it makes for the purpose. Tokens that no flow gives any more come from the control surface.
type Sandbox struct {
	target   Target
	entra    endpoints
	settings sandbox.Settings
	deployer client
	graph    *clouds.Graph
	stored   *secretsmanager.Client
	secrets  *secrets

	mu      sync.Mutex
	clients map[string]func() (client, error)
	// consent is held from asking for consent to the token it gives.
	consent sync.Mutex
}

// NewSandbox makes a source of tokens for the target in the sandbox with these
// settings and this environment. Close it.
func NewSandbox(target Target, settings sandbox.Settings, env map[string]string, c *clouds.Clouds) *Sandbox {
	return &Sandbox{
		target:   target,
		entra:    endpoints{authority: env["ENTRA_AUTHORITY"], http: c.HTTP},
		settings: settings,
		deployer: client{id: env["AZURE_CLIENT_ID"], kind: access.ClientDaemon, secret: env["AZURE_CLIENT_SECRET"]},
		graph:    c.Graph,
		stored:   c.SecretsManager,
		secrets:  &secrets{graph: c.Graph, now: settings.Now},
		clients:  map[string]func() (client, error){},
	}
}

// Close removes the client secrets that were made and takes back what users
// consented to, even after ctx has ended.
func (s *Sandbox) Close(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	return errors.Join(s.secrets.removeAll(ctx), s.withdrawConsent(ctx))
}

// withdrawConsent deletes what users consented to for the unrelated client: it
// would outlive a change of who may consent.
func (s *Sandbox) withdrawConsent(ctx context.Context) error {
	type grant struct {
		ID          string `json:"id"`
		ConsentType string `json:"consentType"`
	}
	grants, err := clouds.List[grant](ctx, s.graph, "/servicePrincipals(appId='"+s.unrelated().id+"')/oauth2PermissionGrants")
	if err != nil {
		return fmt.Errorf("withdrawing consent: %w", err)
	}
	for _, g := range grants {
		if g.ConsentType != "Principal" {
			continue
		}
		err := s.graph.Call(ctx, http.MethodDelete, "/oauth2PermissionGrants/"+g.ID, nil, nil)
		if err != nil && !clouds.IsNotFound(err) {
			return fmt.Errorf("withdrawing consent: %w", err)
		}
	}
	return nil
}

// Token implements [TokenSource].
func (s *Sandbox) Token(ctx context.Context, caller access.Caller, clientName string) (Token, error) {
	token, err := s.token(ctx, caller, clientName)
	if err != nil {
		return token, fmt.Errorf("getting a token as %s: %w", caller.ID, err)
	}
	return token, nil
}

func (s *Sandbox) token(ctx context.Context, caller access.Caller, clientName string) (Token, error) {
	switch caller.Kind {
	case access.CallerAnonymous:
		return Token{}, nil
	case access.CallerUser:
		return s.user(ctx, clientName, Assigned)
	case access.CallerUnassignedUser:
		if clientName == "" {
			return s.otherClient(ctx, Unassigned)
		}
		return s.user(ctx, clientName, Unassigned)
	case access.CallerDaemon:
		c, err := s.client(ctx, clientName)
		if err != nil {
			return Token{}, err
		}
		return outcome(s.entra.daemonToken(ctx, c, s.target.Audience))
	case access.CallerUnassignedDaemon:
		return outcome(s.entra.daemonToken(ctx, s.deployer, s.target.Audience))
	case access.CallerOtherClient:
		return s.otherClient(ctx, Assigned)
	case access.CallerGraphToken:
		return outcome(s.entra.daemonToken(ctx, s.deployer, s.graph.Endpoint))
	case access.CallerIDToken:
		return s.idToken(ctx, clientName)
	case access.CallerOtherTenant, access.CallerV1Token, access.CallerExpired, access.CallerUserWithRoles, access.CallerWrongRole:
		return s.mint(ctx, caller.Kind, clientName)
	default:
		return Token{}, fmt.Errorf("caller of kind %q: this program does not know how to become one", caller.Kind)
	}
}

// user signs in to a client of the model and asks for all that it is granted.
func (s *Sandbox) user(ctx context.Context, clientName, user string) (Token, error) {
	c, err := s.client(ctx, clientName)
	if err != nil {
		return Token{}, err
	}
	g, err := s.entra.userToken(ctx, c, user, s.target.Audience+"/.default")
	return outcome(g.AccessToken, err)
}

// idToken signs in for nothing but to know who the user is. Without a client
// that users sign in to, it is the unrelated one.
func (s *Sandbox) idToken(ctx context.Context, clientName string) (Token, error) {
	c := s.unrelated()
	if clientName != "" {
		var err error
		if c, err = s.client(ctx, clientName); err != nil {
			return Token{}, err
		}
	}
	g, err := s.entra.userToken(ctx, c, Assigned, "openid profile")
	return outcome(g.IDToken, err)
}

// otherClient signs in to a client outside the model and consents to whatever
// users may consent to, or asks in vain.
func (s *Sandbox) otherClient(ctx context.Context, user string) (Token, error) {
	var wanted []string
	for _, scope := range s.target.Model.Scopes {
		if scope.Consent == access.ConsentUser && !scope.Retired() {
			wanted = append(wanted, s.target.Scopes[scope.Value])
		}
	}
	if len(wanted) == 0 {
		for _, scope := range s.target.Model.Scopes {
			if !scope.Retired() {
				wanted = append(wanted, s.target.Scopes[scope.Value])
			}
		}
	}
	if len(wanted) == 0 {
		wanted = []string{s.target.Audience + "/.default"}
	}
	s.consent.Lock()
	defer s.consent.Unlock()
	if err := s.withdrawConsent(ctx); err != nil { // of a run that crashed
		return Token{}, err
	}
	g, err := s.entra.userToken(ctx, s.unrelated(), user, strings.Join(wanted, " "))
	return outcome(g.AccessToken, err)
}

// unrelated is a client of the tenant that no program here deploys.
func (s *Sandbox) unrelated() client {
	tenant := directory.State{Tenant: directory.Tenant{ID: s.settings.TenantID}}
	return client{
		id: tenant.StableID("client/" + directory.OtherClientName), kind: access.ClientNative, redirect: otherClientRedirect,
	}
}

// client is a client of the model, with a secret if it needs one to prove
// itself. It is made once.
func (s *Sandbox) client(ctx context.Context, name string) (client, error) {
	s.mu.Lock()
	get, ok := s.clients[name]
	if !ok {
		get = sync.OnceValues(func() (client, error) { return s.makeClient(ctx, name) })
		s.clients[name] = get
	}
	s.mu.Unlock()
	return get()
}

func (s *Sandbox) makeClient(ctx context.Context, name string) (client, error) {
	i := slices.IndexFunc(s.target.Model.Clients, func(c access.Client) bool { return c.Name == name })
	id := s.target.Clients[name]
	if i < 0 || id == "" {
		return client{}, fmt.Errorf("client %q: not deployed; deployed are %v", name, s.target.Clients)
	}
	declared := s.target.Model.Clients[i]
	c := client{id: id, kind: declared.Kind}
	if len(declared.RedirectURIs) > 0 {
		c.redirect = declared.RedirectURIs[0]
	}
	if c.kind == access.ClientWeb || c.kind == access.ClientDaemon {
		var err error
		if c.secret, err = s.secret(ctx, name, id); err != nil {
			return client{}, fmt.Errorf("client %q: %w", name, err)
		}
	}
	return c, nil
}

// secret is the stored secret of a client, as its application would read it, or
// one that is made here for a client that has none, or none yet.
func (s *Sandbox) secret(ctx context.Context, name, clientID string) (string, error) {
	made := func() (string, error) {
		secret, err := s.secrets.add(ctx, clientID)
		if err != nil {
			return "", fmt.Errorf("making a secret: %w", err)
		}
		return secret, nil
	}
	arn := s.target.Secrets[name]
	if arn == "" {
		return made()
	}
	secret, err := storedSecret(ctx, s.stored, arn)
	if _, none := errors.AsType[*types.ResourceNotFoundException](err); none {
		return made()
	}
	return secret, err
}

// storedSecret is what the rotator stored for a client.
func storedSecret(ctx context.Context, client *secretsmanager.Client, arn string) (string, error) {
	value, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
	if err != nil {
		return "", fmt.Errorf("reading its secret: %w", err)
	}
	stored, err := rotate.ParseValue(rotate.Hidden(aws.ToString(value.SecretString)))
	if err != nil {
		return "", fmt.Errorf("reading its secret: %w", err)
	}
	return string(stored.ClientSecret), nil
}
