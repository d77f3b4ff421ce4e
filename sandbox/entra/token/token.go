// Package token builds, signs and verifies tokens shaped as Microsoft Entra's:
// v1 and v2 access tokens, delegated and app-only, and ID tokens.
//
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
// https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// Claims is the payload of a token.
type Claims map[string]any

// String returns a claim that is a string, or "".
func (c Claims) String(name string) string {
	s, _ := c[name].(string)
	return s
}

// Strings returns a claim that is an array of strings, leaving out what is not
// a string.
func (c Claims) Strings(name string) []string {
	if values, ok := c[name].([]string); ok {
		return values
	}
	var found []string
	values, _ := c[name].([]any)
	for _, v := range values {
		if s, ok := v.(string); ok {
			found = append(found, s)
		}
	}
	return found
}

// ClientAuth is how a client proved itself: the values of azpacr and appidacr.
type ClientAuth string

// The ways a client proves itself.
const (
	PublicClient ClientAuth = "0" // not at all
	BySecret     ClientAuth = "1"
	ByAssertion  ClientAuth = "2" // certificate or federated credential
)

// backdating is how far iat and nbf lie before the moment of issue. Entra's
// sample tokens live 65 minutes while the response says 60; that the
// difference is backdating is a guess.
const backdating = 5 * time.Minute

// Lifetimes of access tokens: a random value in this range.
// https://learn.microsoft.com/entra/identity-platform/access-tokens#token-lifetime
const (
	minLifetime = 60 * time.Minute
	maxLifetime = 90 * time.Minute
)

// RandomLifetime is a lifetime as Entra chooses it: whole seconds between 60
// and 90 minutes.
func RandomLifetime() time.Duration {
	spread := big.NewInt(int64((maxLifetime-minLifetime)/time.Second) + 1)
	n, err := rand.Int(rand.Reader, spread)
	if err != nil { // never: see crypto/rand
		return minLifetime
	}
	return minLifetime + time.Duration(n.Int64())*time.Second
}

// Issuer is the iss claim of a tenant's tokens of a version. v1 tokens name
// sts.windows.net wherever they come from; v2 tokens name baseURL, the address
// that stands for https://login.microsoftonline.com.
func Issuer(baseURL, tenantID string, version int) string {
	if version == 1 {
		return "https://sts.windows.net/" + tenantID + "/"
	}
	return baseURL + "/" + tenantID + "/v2.0"
}

// Access describes an access token.
type Access struct {
	// BaseURL is the address of the sign-in service, without a final slash.
	BaseURL  string
	TenantID string
	// Version is 1 or 2: the resource's requestedAccessTokenVersion.
	Version int
	// Audience is the aud claim: the resource's client id, or for v1 the name
	// that the client asked for.
	Audience string
	// ResourceAppID is the client id of the resource; sub is pairwise to it.
	ResourceAppID string
	ClientAppID   string
	ClientAuth    ClientAuth
	// ClientObjectID is the object id of the client's service principal. An
	// app-only token has it as oid and sub.
	ClientObjectID string
	// User is who the token is for; nil makes it app-only.
	User *directory.User
	// Profile adds the claims that need the profile scope.
	Profile bool
	// Scopes are the scope values of scp, in delegated tokens only.
	Scopes []string
	// Roles are the values of roles. Without any the claim is left out.
	Roles []string
	// Groups are object ids for the groups claim, left out without any.
	Groups []string
	// Optional are the resource's optional claims for access tokens.
	Optional []directory.OptionalClaim
	IssuedAt time.Time
	Lifetime time.Duration
}

// Claims builds the payload.
func (a Access) Claims() Claims {
	c := base(a.BaseURL, a.TenantID, a.Version, a.IssuedAt, a.Lifetime)
	c["aud"] = a.Audience
	c["aio"] = opaque(48)
	c["rh"] = "1." + opaque(24) + "."
	client, strength := "azp", "azpacr"
	if a.Version == 1 {
		client, strength = "appid", "appidacr"
	}
	c[client], c[strength] = a.ClientAppID, string(a.ClientAuth)
	if len(a.Roles) > 0 {
		c["roles"] = a.Roles
	}
	if a.User == nil {
		a.appOnly(c)
	} else {
		a.delegated(c)
	}
	return c
}

func (a Access) appOnly(c Claims) {
	c["oid"], c["sub"] = a.ClientObjectID, a.ClientObjectID
	if a.Version == 1 {
		c["idp"] = c["iss"]
	}
	if optional(a.Optional, "idtyp") != nil {
		c["idtyp"] = "app"
	}
}

func (a Access) delegated(c Claims) {
	c["oid"] = a.User.ID
	c["sub"] = Pairwise(a.TenantID, a.ResourceAppID, a.User.ID)
	c["scp"] = strings.Join(a.Scopes, " ")
	if a.Version == 1 {
		c["acr"], c["amr"] = "1", []string{"pwd"}
		c["name"] = a.User.DisplayName
		c["unique_name"], c["upn"] = a.User.UserPrincipalName, a.User.UserPrincipalName
	} else if a.Profile {
		c["name"], c["preferred_username"] = a.User.DisplayName, a.User.UserPrincipalName
	}
	// idtyp is "user" only where the API asks for that too.
	// https://learn.microsoft.com/entra/identity-platform/optional-claims-reference
	if o := optional(a.Optional, "idtyp"); o != nil && slices.Contains(o.AdditionalProperties, "include_user_token") {
		c["idtyp"] = "user"
	}
	addOptional(c, a.Optional, a.User)
	addGroups(c, a.Groups)
}

// ID describes an ID token.
type ID struct {
	BaseURL     string
	TenantID    string
	Version     int
	ClientAppID string
	User        *directory.User
	// Profile and Email add the claims of those scopes.
	Profile, Email bool
	// Nonce is that of the authorize request, or "".
	Nonce string
	// Code adds c_hash for an authorization code sent along.
	Code     string
	Roles    []string
	Groups   []string
	Optional []directory.OptionalClaim
	IssuedAt time.Time
	Lifetime time.Duration
}

// Claims builds the payload.
func (i ID) Claims() Claims {
	c := base(i.BaseURL, i.TenantID, i.Version, i.IssuedAt, i.Lifetime)
	c["aud"] = i.ClientAppID
	c["rh"] = "1." + opaque(24) + "."
	c["sub"] = Pairwise(i.TenantID, i.ClientAppID, i.User.ID)
	if i.Profile {
		c["oid"] = i.User.ID
		c["name"] = i.User.DisplayName
		if i.Version == 1 {
			c["unique_name"], c["upn"] = i.User.UserPrincipalName, i.User.UserPrincipalName
		} else {
			c["preferred_username"] = i.User.UserPrincipalName
		}
	}
	if i.Email && i.User.Mail != "" {
		c["email"] = i.User.Mail
	}
	if i.Nonce != "" {
		c["nonce"] = i.Nonce
	}
	if i.Code != "" {
		sum := sha256.Sum256([]byte(i.Code))
		c["c_hash"] = base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	}
	if len(i.Roles) > 0 {
		c["roles"] = i.Roles
	}
	addOptional(c, i.Optional, i.User)
	addGroups(c, i.Groups)
	return c
}

func base(baseURL, tenantID string, version int, issued time.Time, lifetime time.Duration) Claims {
	at := issued.Add(-backdating).Unix()
	ver := "2.0"
	if version == 1 {
		ver = "1.0"
	}
	return Claims{
		"iss": Issuer(baseURL, tenantID, version),
		"tid": tenantID,
		"ver": ver,
		"uti": opaque(16),
		"iat": at,
		"nbf": at,
		"exp": issued.Add(lifetime).Unix(),
	}
}

func optional(claims []directory.OptionalClaim, name string) *directory.OptionalClaim {
	for i := range claims {
		if claims[i].Name == name {
			return &claims[i]
		}
	}
	return nil
}

func addOptional(c Claims, claims []directory.OptionalClaim, u *directory.User) {
	if optional(claims, "upn") != nil {
		c["upn"] = u.UserPrincipalName
	}
	if optional(claims, "email") != nil && u.Mail != "" {
		c["email"] = u.Mail
	}
}

// maxGroups is how many groups fit; with more, a token names none of them.
// https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#groups-overage-claim
const maxGroups = 200

func addGroups(c Claims, groups []string) {
	switch {
	case len(groups) == 0:
	case len(groups) > maxGroups:
		c["_claim_names"] = map[string]string{"groups": "src1"}
		c["_claim_sources"] = map[string]map[string]string{"src1": {
			"endpoint": "https://graph.microsoft.com/v1.0/users/" + c.String("oid") + "/getMemberObjects",
		}}
	default:
		c["groups"] = groups
	}
}

// Pairwise is the sub of a user for one application: stable, and another for
// every application.
func Pairwise(tenantID, appID, userID string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(tenantID + "/" + appID + "/" + userID)))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// opaque is n random bytes in base64url, for claims that only Entra reads.
func opaque(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}
