// Package issuer knows where a tenant of Microsoft Entra ID is: its cloud, its
// authority, the issuer that its v2 tokens name, and whether its discovery
// document says the same.
package issuer

// Tenant is one Entra tenant.
type Tenant struct {
	// ID is the tenant's GUID. Names such as "common", "organizations" and
	// "consumers" are refused: their discovery document names no issuer that a
	// token could match.
	ID string
	// Cloud is "public" (default), "usgovernment" or "china".
	Cloud Cloud
	// LoginHost replaces the cloud's login host, e.g. "localhost:8443" for a
	// local directory. Default: that of the cloud.
	LoginHost string
}

// Cloud is a Microsoft cloud.
type Cloud string

// The clouds.
// https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
const (
	CloudPublic       Cloud = "public"
	CloudUSGovernment Cloud = "usgovernment"
	CloudChina        Cloud = "china"
)
