// Package directory holds the state of one simulated Entra tenant: what
// Microsoft Graph changes and what sign-in reads. JSON names are those of
// Microsoft Graph, so an object can be stored and answered as it is.
package directory

import (
	"time"
)

// Well-known identifiers that are the same in every tenant.
const (
	// GraphAppID is Microsoft Graph's application id.
	GraphAppID = "00000003-0000-0000-c000-000000000000"
	// DefaultAccessRoleID is the app role of an assignment without a role.
	DefaultAccessRoleID = "00000000-0000-0000-0000-000000000000"
)

// State is everything one tenant holds. Maps are keyed by object id.
type State struct {
	Tenant            Tenant                       `json:"tenant"`
	Users             map[string]*User             `json:"users"`
	Groups            map[string]*Group            `json:"groups"`
	Applications      map[string]*Application      `json:"applications"`
	ServicePrincipals map[string]*ServicePrincipal `json:"servicePrincipals"`
	// Grants are delegated permission grants (oauth2PermissionGrants).
	Grants map[string]*Grant `json:"grants"`
	// Assignments are app role assignments, keyed by assignment id.
	Assignments map[string]*Assignment `json:"assignments"`
	// Deleted holds soft-deleted applications (directory/deletedItems).
	Deleted map[string]*Application `json:"deleted"`
	// DeletedServicePrincipals are soft-deleted with their applications or alone.
	DeletedServicePrincipals map[string]*ServicePrincipal `json:"deletedServicePrincipals"`
	// SigningKeys sign tokens; the first active one signs, all published ones verify.
	SigningKeys []*SigningKey `json:"signingKeys"`
}

// Tenant is the directory itself.
type Tenant struct {
	ID            string `json:"id"`
	DisplayName   string `json:"displayName"`
	InitialDomain string `json:"initialDomain"` // e.g. contoso.onmicrosoft.com
	// VerifiedDomains are further domains that identifier URIs may use.
	VerifiedDomains []string `json:"verifiedDomains"`
}

// User is a person who can sign in. The sandbox asks for no password.
type User struct {
	ID                string    `json:"id"`
	UserPrincipalName string    `json:"userPrincipalName"`
	DisplayName       string    `json:"displayName"`
	Mail              string    `json:"mail,omitempty"`
	MailNickname      string    `json:"mailNickname,omitempty"`
	AccountEnabled    bool      `json:"accountEnabled"`
	CreatedDateTime   time.Time `json:"createdDateTime,omitzero"`
}

// Group is a security group with direct members only: Entra does not follow
// nested groups for app role assignments.
type Group struct {
	ID              string    `json:"id"`
	DisplayName     string    `json:"displayName"`
	Description     *string   `json:"description,omitempty"`
	MailNickname    string    `json:"mailNickname,omitempty"`
	CreatedDateTime time.Time `json:"createdDateTime,omitzero"`
	MemberIDs       []string  `json:"memberIds"`
}

// Application is an app registration.
// https://learn.microsoft.com/graph/api/resources/application
type Application struct {
	ID                        string                `json:"id"`
	AppID                     string                `json:"appId"`
	DisplayName               string                `json:"displayName"`
	Description               string                `json:"description,omitempty"`
	CreatedDateTime           time.Time             `json:"createdDateTime"`
	DeletedDateTime           *time.Time            `json:"deletedDateTime,omitempty"`
	PublisherDomain           string                `json:"publisherDomain,omitempty"`
	SignInAudience            string                `json:"signInAudience"`
	IdentifierURIs            []string              `json:"identifierUris"`
	API                       APIApplication        `json:"api"`
	AppRoles                  []AppRole             `json:"appRoles"`
	Web                       WebApplication        `json:"web"`
	SPA                       RedirectURIs          `json:"spa"`
	PublicClient              RedirectURIs          `json:"publicClient"`
	RequiredResourceAccess    []RequiredAccess      `json:"requiredResourceAccess"`
	OptionalClaims            *OptionalClaims       `json:"optionalClaims,omitempty"`
	IsFallbackPublicClient    *bool                 `json:"isFallbackPublicClient,omitempty"`
	GroupMembershipClaims     *string               `json:"groupMembershipClaims,omitempty"`
	Notes                     *string               `json:"notes,omitempty"`
	ServiceManagementRef      *string               `json:"serviceManagementReference,omitempty"`
	DisabledByMicrosoftStatus *string               `json:"disabledByMicrosoftStatus,omitempty"`
	Tags                      []string              `json:"tags"`
	PasswordCredentials       []PasswordCredential  `json:"passwordCredentials"`
	KeyCredentials            []KeyCredential       `json:"keyCredentials"`
	FederatedCredentials      []FederatedCredential `json:"federatedIdentityCredentials,omitempty"`
	// OwnerIDs are object ids of users and service principals.
	OwnerIDs []string `json:"ownerIds"`
	// Extra keeps members that Graph would store and this sandbox does not
	// interpret, so that they read back as written.
	Extra map[string]any `json:"extra,omitempty"`
}

// APIApplication is what an application exposes as an API.
type APIApplication struct {
	// RequestedAccessTokenVersion nil or 1 means v1 tokens, 2 means v2.
	RequestedAccessTokenVersion *int               `json:"requestedAccessTokenVersion"`
	AcceptMappedClaims          *bool              `json:"acceptMappedClaims"`
	KnownClientApplications     []string           `json:"knownClientApplications"`
	OAuth2PermissionScopes      []PermissionScope  `json:"oauth2PermissionScopes"`
	PreAuthorizedApplications   []PreAuthorizedApp `json:"preAuthorizedApplications"`
}

// PermissionScope is a delegated permission.
type PermissionScope struct {
	ID                      string `json:"id"`
	Value                   string `json:"value"`
	Type                    string `json:"type"` // User or Admin: who may consent
	IsEnabled               bool   `json:"isEnabled"`
	AdminConsentDescription string `json:"adminConsentDescription"`
	AdminConsentDisplayName string `json:"adminConsentDisplayName"`
	UserConsentDescription  string `json:"userConsentDescription"`
	UserConsentDisplayName  string `json:"userConsentDisplayName"`
}

// PreAuthorizedApp lists scopes a client needs no consent for.
type PreAuthorizedApp struct {
	AppID                  string   `json:"appId"`
	DelegatedPermissionIDs []string `json:"delegatedPermissionIds"`
}

// AppRole is a role for users, for applications, or for both.
type AppRole struct {
	ID                 string   `json:"id"`
	Value              *string  `json:"value"`
	DisplayName        string   `json:"displayName"`
	Description        string   `json:"description"`
	IsEnabled          bool     `json:"isEnabled"`
	AllowedMemberTypes []string `json:"allowedMemberTypes"` // User, Application
	Origin             string   `json:"origin,omitempty"`
}

// RedirectURIs are the reply addresses of one platform.
type RedirectURIs struct {
	RedirectURIs []string `json:"redirectUris"`
}

// WebApplication is the web platform of a confidential client.
type WebApplication struct {
	HomePageURL           *string          `json:"homePageUrl"`
	LogoutURL             *string          `json:"logoutUrl"`
	RedirectURIs          []string         `json:"redirectUris"`
	ImplicitGrantSettings ImplicitSettings `json:"implicitGrantSettings"`
}

// ImplicitSettings switch the implicit grant on.
type ImplicitSettings struct {
	EnableAccessTokenIssuance bool `json:"enableAccessTokenIssuance"`
	EnableIDTokenIssuance     bool `json:"enableIdTokenIssuance"`
}

// RequiredAccess lists the permissions an application asks consent for.
type RequiredAccess struct {
	ResourceAppID  string           `json:"resourceAppId"`
	ResourceAccess []ResourceAccess `json:"resourceAccess"`
}

// ResourceAccess is one scope (type Scope) or app role (type Role).
type ResourceAccess struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// OptionalClaims are claims added to each kind of token.
type OptionalClaims struct {
	AccessToken []OptionalClaim `json:"accessToken"`
	IDToken     []OptionalClaim `json:"idToken"`
	SAML2Token  []OptionalClaim `json:"saml2Token"`
}

// OptionalClaim is one optional claim, e.g. idtyp.
type OptionalClaim struct {
	Name                 string   `json:"name"`
	Source               *string  `json:"source"`
	Essential            bool     `json:"essential"`
	AdditionalProperties []string `json:"additionalProperties"`
}

// PasswordCredential is a client secret. Graph never answers the secret again
// after addPassword; the sandbox keeps a hash only.
type PasswordCredential struct {
	KeyID         string    `json:"keyId"`
	DisplayName   *string   `json:"displayName"`
	Hint          string    `json:"hint"`
	StartDateTime time.Time `json:"startDateTime"`
	EndDateTime   time.Time `json:"endDateTime"`
	// SecretSHA256 is the hex SHA-256 of the secret (40 random characters, so
	// no salt is needed). Strip it from every Graph answer.
	SecretSHA256 string `json:"secretSha256,omitempty"`
	// AddedAt is when it was added, for simulated replication lag.
	AddedAt time.Time `json:"addedAt,omitzero"`
}

// KeyCredential is a certificate of a client.
type KeyCredential struct {
	KeyID               string    `json:"keyId"`
	DisplayName         *string   `json:"displayName"`
	Type                string    `json:"type"`  // AsymmetricX509Cert
	Usage               string    `json:"usage"` // Verify
	CustomKeyIdentifier string    `json:"customKeyIdentifier"`
	StartDateTime       time.Time `json:"startDateTime"`
	EndDateTime         time.Time `json:"endDateTime"`
	// Key is the DER certificate.
	Key []byte `json:"key,omitempty"`
}

// FederatedCredential trusts a token of another issuer instead of a secret.
type FederatedCredential struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	Issuer      string   `json:"issuer"`
	Subject     string   `json:"subject"`
	Audiences   []string `json:"audiences"`
	Description *string  `json:"description"`
	// AddedAt is when it was added, for simulated replication lag.
	AddedAt time.Time `json:"addedAt,omitzero"`
}

// ServicePrincipal is the local account of an application.
// https://learn.microsoft.com/graph/api/resources/serviceprincipal
type ServicePrincipal struct {
	ID                        string         `json:"id"`
	AppID                     string         `json:"appId"`
	DisplayName               string         `json:"displayName"`
	Description               *string        `json:"description"`
	AccountEnabled            bool           `json:"accountEnabled"`
	AppRoleAssignmentRequired bool           `json:"appRoleAssignmentRequired"`
	ServicePrincipalType      string         `json:"servicePrincipalType"` // Application
	Tags                      []string       `json:"tags"`
	OwnerIDs                  []string       `json:"ownerIds"`
	CreatedDateTime           time.Time      `json:"createdDateTime,omitzero"`
	DeletedDateTime           *time.Time     `json:"deletedDateTime,omitempty"`
	Extra                     map[string]any `json:"extra,omitempty"`
	// For a resource without an application in this tenant (Microsoft Graph),
	// its own scopes and roles; else they are those of the application.
	OAuth2PermissionScopes []PermissionScope `json:"oauth2PermissionScopes,omitempty"`
	AppRoles               []AppRole         `json:"appRoles,omitempty"`
	ServicePrincipalNames  []string          `json:"servicePrincipalNames,omitempty"`
}

// Grant is a delegated permission grant.
// https://learn.microsoft.com/graph/api/resources/oauth2permissiongrant
type Grant struct {
	ID          string  `json:"id"`
	ClientID    string  `json:"clientId"`    // object id of the client's service principal
	ConsentType string  `json:"consentType"` // AllPrincipals or Principal
	PrincipalID *string `json:"principalId"`
	ResourceID  string  `json:"resourceId"` // object id of the API's service principal
	Scope       string  `json:"scope"`      // space-separated scope values
}

// Assignment is an app role assignment.
// https://learn.microsoft.com/graph/api/resources/approleassignment
type Assignment struct {
	ID                   string    `json:"id"`
	AppRoleID            string    `json:"appRoleId"`
	CreatedDateTime      time.Time `json:"createdDateTime"`
	PrincipalID          string    `json:"principalId"`
	PrincipalType        string    `json:"principalType"` // User, Group, ServicePrincipal
	PrincipalDisplayName string    `json:"principalDisplayName"`
	ResourceID           string    `json:"resourceId"`
	ResourceDisplayName  string    `json:"resourceDisplayName"`
}

// SigningKey is an RSA key of the tenant. Entra always publishes more than one.
type SigningKey struct {
	KID string `json:"kid"`
	// PKCS8 is the private key in DER.
	PKCS8 []byte `json:"pkcs8"`
	// Certificate is the self-signed certificate in DER, published as x5c.
	Certificate []byte    `json:"certificate"`
	CreatedAt   time.Time `json:"createdAt"`
	// Signing: tokens are signed with the one key for which this is set.
	Signing bool `json:"signing"`
	// Published: it is in the key set. A key rolled over in an emergency is not.
	Published bool `json:"published"`
}
