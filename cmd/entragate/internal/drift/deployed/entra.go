package deployed

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
)

// Application is a registration and its service principal, as Microsoft Graph
// tells of them.
type Application struct {
	// Registered and HasPrincipal say which of the two exist.
	Registered, HasPrincipal bool
	Registration             Registration
	Principal                Principal
	Owners, PrincipalOwners  []Object
	Federated                []Federated
}

// Registration is what Microsoft Graph calls an application.
// https://learn.microsoft.com/graph/api/resources/application
type Registration struct {
	ID             string   `json:"id"`
	AppID          string   `json:"appId"`
	SignInAudience string   `json:"signInAudience"`
	IdentifierURIs []string `json:"identifierUris"`
	API            struct {
		TokenVersion  *int            `json:"requestedAccessTokenVersion"`
		Scopes        []Permission    `json:"oauth2PermissionScopes"`
		PreAuthorized []PreAuthorized `json:"preAuthorizedApplications"`
	} `json:"api"`
	Roles []Permission `json:"appRoles"`
	Web   struct {
		RedirectURIs []string `json:"redirectUris"`
		Implicit     struct {
			AccessTokens bool `json:"enableAccessTokenIssuance"`
			IDTokens     bool `json:"enableIdTokenIssuance"`
		} `json:"implicitGrantSettings"`
	} `json:"web"`
	SPA struct {
		RedirectURIs []string `json:"redirectUris"`
	} `json:"spa"`
	PublicClient struct {
		RedirectURIs []string `json:"redirectUris"`
	} `json:"publicClient"`
	FallbackPublic *bool `json:"isFallbackPublicClient"`
	OptionalClaims *struct {
		AccessToken []struct {
			Name string `json:"name"`
		} `json:"accessToken"`
	} `json:"optionalClaims"`
	Passwords []Key `json:"passwordCredentials"`
	Keys      []Key `json:"keyCredentials"`
}

// Permission is a scope, or an app role.
type Permission struct {
	ID      string   `json:"id"`
	Value   string   `json:"value"`
	Enabled bool     `json:"isEnabled"`
	Type    string   `json:"type"`               // of a scope: who may consent, "Admin" or "User"
	Members []string `json:"allowedMemberTypes"` // of a role
}

// PreAuthorized is an application that needs no consent for scopes.
type PreAuthorized struct {
	AppID    string   `json:"appId"`
	ScopeIDs []string `json:"delegatedPermissionIds"`
}

// Key is a secret or a certificate, without its value.
type Key struct {
	KeyID string     `json:"keyId"`
	Name  string     `json:"displayName"`
	End   *time.Time `json:"endDateTime"`
}

// Principal is a service principal.
// https://learn.microsoft.com/graph/api/resources/serviceprincipal
type Principal struct {
	ID                 string `json:"id"`
	AppID              string `json:"appId"`
	Name               string `json:"displayName"`
	Enabled            bool   `json:"accountEnabled"`
	AssignmentRequired bool   `json:"appRoleAssignmentRequired"`
	Passwords          []Key  `json:"passwordCredentials"`
	Keys               []Key  `json:"keyCredentials"`
}

// Object is a user, a group or a service principal.
type Object struct {
	ID   string `json:"id"`
	Name string `json:"displayName"`
}

// Federated is a federated identity credential.
type Federated struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
}

// Grant is consent to scopes of the API.
// https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant
type Grant struct {
	ID          string `json:"id"`
	ClientID    string `json:"clientId"` // of the service principal
	ConsentType string `json:"consentType"`
	PrincipalID string `json:"principalId"` // of the user, where it is one user's
	Scope       string `json:"scope"`
}

// ForEverybody reports whether it is an administrator's, for all users.
func (g Grant) ForEverybody() bool { return g.ConsentType == "AllPrincipals" }

// Scopes are the values that are granted.
func (g Grant) Scopes() []string { return strings.Fields(g.Scope) }

// Assignment is that of an app role of the API.
// https://learn.microsoft.com/graph/api/resources/approleassignment
type Assignment struct {
	ID            string `json:"id"`
	RoleID        string `json:"appRoleId"`
	PrincipalID   string `json:"principalId"`
	PrincipalType string `json:"principalType"` // User, Group or ServicePrincipal
	PrincipalName string `json:"principalDisplayName"`
}

// ToApplication reports whether it is assigned to an application, not to people.
func (a Assignment) ToApplication() bool { return a.PrincipalType == "ServicePrincipal" }

// Holder is a service principal outside the model that holds something.
type Holder struct {
	AppID string `json:"appId"`
	Name  string `json:"displayName"`
}

func readApplication(ctx context.Context, g *clouds.Graph, clientID string) (Application, error) {
	var app Application
	key := "(appId='" + url.PathEscape(clientID) + "')"
	err := g.Call(ctx, http.MethodGet, "/applications"+key+"?$select=id,appId,signInAudience,identifierUris,api,appRoles,web,spa,publicClient,"+
		"isFallbackPublicClient,optionalClaims,passwordCredentials,keyCredentials", nil, &app.Registration)
	if app.Registered = err == nil; app.Registered {
		if app.Owners, err = clouds.List[Object](ctx, g, "/applications/"+app.Registration.ID+"/owners"); err == nil {
			app.Federated, err = clouds.List[Federated](ctx, g, "/applications/"+app.Registration.ID+"/federatedIdentityCredentials")
		}
	}
	if err != nil && !clouds.IsNotFound(err) {
		return app, err
	}
	err = g.Call(ctx, http.MethodGet, "/servicePrincipals"+key+"?$select=id,appId,displayName,accountEnabled,appRoleAssignmentRequired,"+
		"passwordCredentials,keyCredentials", nil, &app.Principal)
	if app.HasPrincipal = err == nil; app.HasPrincipal {
		app.PrincipalOwners, err = clouds.List[Object](ctx, g, "/servicePrincipals/"+app.Principal.ID+"/owners")
	}
	if err != nil && !clouds.IsNotFound(err) {
		return app, err
	}
	return app, nil
}

// readHeld reads who holds something of the API, and how they are called.
func (s *State) readHeld(ctx context.Context, g *clouds.Graph) {
	id := s.API.Principal.ID
	if !s.API.HasPrincipal {
		if !s.Knows(PartApplication) {
			unread := errNoPrincipal
			s.part(PartGrants, readApplications, func() error { return unread })
			s.part(PartAssignments, readApplications, func() error { return unread })
		}
		return
	}
	s.part(PartGrants, readDirectory, func() (err error) {
		s.Grants, err = clouds.List[Grant](ctx, g, "/oauth2PermissionGrants?$filter="+url.QueryEscape("resourceId eq '"+id+"'"))
		return err
	})
	s.part(PartAssignments, readApplications, func() (err error) {
		s.Assignments, err = clouds.List[Assignment](ctx, g, "/servicePrincipals/"+id+"/appRoleAssignedTo")
		return err
	})
	var strangers []string
	for _, grant := range s.Grants {
		strangers = append(strangers, grant.ClientID)
	}
	for _, a := range s.Assignments {
		if a.ToApplication() {
			strangers = append(strangers, a.PrincipalID)
		}
	}
	slices.Sort(strangers)
	for _, stranger := range slices.Compact(strangers) {
		if s.ClientOf(stranger) != "" {
			continue
		}
		var h Holder
		path := "/servicePrincipals/" + url.PathEscape(stranger) + "?$select=appId,displayName"
		if err := g.Call(ctx, http.MethodGet, path, nil, &h); err != nil {
			h = Holder{AppID: stranger, Name: "service principal"} // that it holds something is what matters
		}
		s.Holders[stranger] = h
	}
}

// ClientOf is the name of the client whose service principal has the object id,
// or "".
func (s *State) ClientOf(principalID string) string {
	for name, app := range s.Clients {
		if app.HasPrincipal && app.Principal.ID == principalID {
			return name
		}
	}
	return ""
}

// NameOf is how a service principal is called.
func (s *State) NameOf(principalID string) string {
	if h, ok := s.Holders[principalID]; ok {
		return h.Name + " (" + h.AppID + ")"
	}
	return principalID
}

// Role finds an app role of the API by id. One that all applications have by
// default has neither value nor members.
func (s *State) Role(id string) Permission {
	for _, r := range s.API.Registration.Roles {
		if r.ID == id {
			return r
		}
	}
	return Permission{ID: id}
}
