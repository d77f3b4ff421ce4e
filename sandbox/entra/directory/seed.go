package directory

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Names of what [Seed] makes.
const (
	DeployerName    = "Sandbox Deployer"
	OtherClientName = "Contoso Notes"
	GroupName       = "orders-team"
)

// SeedOptions say which tenant to make.
type SeedOptions struct {
	// TenantID is the tenant's GUID. All ids of seeded objects derive from it,
	// so that they are the same each time.
	TenantID string
	// DisplayName defaults to "Contoso".
	DisplayName string
	// InitialDomain defaults to "contoso.onmicrosoft.com".
	InitialDomain string
	// GraphURL is where this tenant's Microsoft Graph is served; tokens may be
	// asked for under that name as well as https://graph.microsoft.com.
	GraphURL string
	// Now defaults to time.Now.
	Now func() time.Time
}

// Secrets are what only the caller of [Seed] learns: the directory keeps hashes.
type Secrets struct {
	// DeployerAppID and DeployerSecret sign the built-in deployer in by client
	// credentials. It holds the Graph permissions that deploying takes.
	DeployerAppID  string
	DeployerSecret string
}

// Seed makes a tenant with what a real one has before anyone deploys to it:
// users alice, bob and carol, the group orders-team with bob in it, Microsoft
// Graph, a deployer, an unrelated public client and two signing keys.
func Seed(o SeedOptions) (*State, Secrets, error) {
	tenant, err := uuid.Parse(o.TenantID)
	if err != nil {
		return nil, Secrets{}, fmt.Errorf("seeding directory: tenant id: got %q, want a GUID", o.TenantID)
	}
	if o.DisplayName == "" {
		o.DisplayName = "Contoso"
	}
	if o.InitialDomain == "" {
		o.InitialDomain = "contoso.onmicrosoft.com"
	}
	now := time.Now().UTC()
	if o.Now != nil {
		now = o.Now().UTC()
	}
	s := &State{
		Tenant:                   Tenant{ID: tenant.String(), DisplayName: o.DisplayName, InitialDomain: o.InitialDomain},
		Users:                    map[string]*User{},
		Groups:                   map[string]*Group{},
		Applications:             map[string]*Application{},
		ServicePrincipals:        map[string]*ServicePrincipal{},
		Grants:                   map[string]*Grant{},
		Assignments:              map[string]*Assignment{},
		Deleted:                  map[string]*Application{},
		DeletedServicePrincipals: map[string]*ServicePrincipal{},
	}
	s.seedPeople(now)
	graph := s.seedGraph(o.GraphURL, now)
	secrets := s.seedDeployer(graph, now)
	s.seedOtherClient(now)
	for i := range 2 {
		key, err := NewSigningKey(now)
		if err != nil {
			return nil, Secrets{}, fmt.Errorf("seeding directory: %w", err)
		}
		key.Signing = i == 0
		s.SigningKeys = append(s.SigningKeys, key)
	}
	return s, secrets, nil
}

// StableID is the id of a seeded object: the same for the same tenant and name,
// e.g. "user/alice", "group/orders-team", "application/Contoso Notes",
// "client/Contoso Notes", "principal/Contoso Notes".
func (s *State) StableID(name string) string {
	return uuid.NewSHA1(uuid.MustParse(s.Tenant.ID), []byte(name)).String()
}

func (s *State) seedPeople(now time.Time) {
	for _, name := range []string{"alice", "bob", "carol"} {
		address := name + "@" + s.Tenant.InitialDomain
		u := &User{
			ID:                s.StableID("user/" + name),
			UserPrincipalName: address,
			DisplayName:       strings.ToUpper(name[:1]) + name[1:],
			Mail:              address,
			MailNickname:      name,
			AccountEnabled:    true,
			CreatedDateTime:   now,
		}
		s.Users[u.ID] = u
	}
	g := &Group{
		ID:              s.StableID("group/" + GroupName),
		DisplayName:     GroupName,
		MailNickname:    GroupName,
		CreatedDateTime: now,
		MemberIDs:       []string{s.StableID("user/bob")},
	}
	s.Groups[g.ID] = g
}

func (s *State) seedGraph(url string, now time.Time) *ServicePrincipal {
	p := &ServicePrincipal{
		ID:                   s.StableID("principal/Microsoft Graph"),
		AppID:                GraphAppID,
		DisplayName:          "Microsoft Graph",
		AccountEnabled:       true,
		ServicePrincipalType: "Application",
		Tags:                 []string{},
		OwnerIDs:             []string{},
		CreatedDateTime:      now,
		ServicePrincipalNames: []string{
			GraphAppID, "https://graph.microsoft.com", "https://graph.microsoft.com/",
			"https://graph.microsoft.us", "https://graph.microsoft.us/",
		},
	}
	if base := strings.TrimRight(url, "/"); base != "" {
		p.ServicePrincipalNames = append(p.ServicePrincipalNames, base, base+"/")
	}
	for _, g := range graphScopes {
		p.OAuth2PermissionScopes = append(p.OAuth2PermissionScopes, PermissionScope{
			ID: g.id, Value: g.value, Type: "User", IsEnabled: true,
			AdminConsentDisplayName: g.title, AdminConsentDescription: g.title,
			UserConsentDisplayName: g.title, UserConsentDescription: g.title,
		})
	}
	for _, g := range graphRoles {
		p.AppRoles = append(p.AppRoles, AppRole{
			ID: g.id, Value: &g.value, DisplayName: g.title, Description: g.title,
			IsEnabled: true, AllowedMemberTypes: []string{"Application"}, Origin: "Application",
		})
	}
	s.ServicePrincipals[p.ID] = p
	return p
}

// seedApplication makes an application with its service principal.
func (s *State) seedApplication(name string, now time.Time) (*Application, *ServicePrincipal) {
	a := &Application{
		ID:              s.StableID("application/" + name),
		AppID:           s.StableID("client/" + name),
		DisplayName:     name,
		CreatedDateTime: now,
		PublisherDomain: s.Tenant.InitialDomain,
		SignInAudience:  "AzureADMyOrg",
	}
	a.FillCollections()
	p := &ServicePrincipal{
		ID:                   s.StableID("principal/" + name),
		AppID:                a.AppID,
		DisplayName:          name,
		AccountEnabled:       true,
		ServicePrincipalType: "Application",
		Tags:                 []string{},
		OwnerIDs:             []string{},
		CreatedDateTime:      now,
	}
	s.Applications[a.ID] = a
	s.ServicePrincipals[p.ID] = p
	return a, p
}

func (s *State) seedDeployer(graph *ServicePrincipal, now time.Time) Secrets {
	a, p := s.seedApplication(DeployerName, now)
	secret := NewSecret()
	name := "built in"
	a.PasswordCredentials = []PasswordCredential{{
		KeyID:         s.StableID("key/" + DeployerName),
		DisplayName:   &name,
		Hint:          secret[:3],
		StartDateTime: now,
		EndDateTime:   now.AddDate(100, 0, 0),
		SecretSHA256:  HashSecret(secret),
		AddedAt:       now,
	}}
	access := RequiredAccess{ResourceAppID: GraphAppID}
	for _, r := range graph.AppRoles {
		if !slices.Contains(deployerPermissions, *r.Value) {
			continue
		}
		access.ResourceAccess = append(access.ResourceAccess, ResourceAccess{ID: r.ID, Type: "Role"})
		id := AssignmentID(graph.ID, p.ID, r.ID)
		s.Assignments[id] = &Assignment{
			ID: id, AppRoleID: r.ID, CreatedDateTime: now,
			PrincipalID: p.ID, PrincipalType: "ServicePrincipal", PrincipalDisplayName: p.DisplayName,
			ResourceID: graph.ID, ResourceDisplayName: graph.DisplayName,
		}
	}
	a.RequiredResourceAccess = []RequiredAccess{access}
	return Secrets{DeployerAppID: a.AppID, DeployerSecret: secret}
}

// seedOtherClient makes a client that no program here deploys: it stands for
// every other client of the tenant that a user may sign in to.
func (s *State) seedOtherClient(now time.Time) {
	a, _ := s.seedApplication(OtherClientName, now)
	public := true
	a.IsFallbackPublicClient = &public
	a.PublicClient.RedirectURIs = []string{"http://localhost"}
}

// AssignmentID is the id of an app role assignment: 43 characters of base64url,
// as Graph's are, and the same for the same three ids.
func AssignmentID(resourceID, principalID, appRoleID string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{resourceID, principalID, appRoleID}, "/")))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// FillCollections replaces each nil collection by an empty one, since Graph
// answers [] and not null for them.
func (a *Application) FillCollections() {
	fill(&a.IdentifierURIs)
	fill(&a.API.KnownClientApplications)
	fill(&a.API.OAuth2PermissionScopes)
	fill(&a.API.PreAuthorizedApplications)
	fill(&a.AppRoles)
	fill(&a.Web.RedirectURIs)
	fill(&a.SPA.RedirectURIs)
	fill(&a.PublicClient.RedirectURIs)
	fill(&a.RequiredResourceAccess)
	fill(&a.Tags)
	fill(&a.PasswordCredentials)
	fill(&a.KeyCredentials)
	fill(&a.OwnerIDs)
}

func fill[T any](s *[]T) {
	if *s == nil {
		*s = []T{}
	}
}
