// Package notes protects an API of its own with Entragate's components.
package notes

import (
	"errors"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/functions"
	"github.com/entragate/entragate/issuer"
)

// Deploy is the Pulumi program: notes that a command line tool may read, an editor
// change, and a backup take away, with nobody signed in.
func Deploy(ctx *pulumi.Context) error {
	s, err := load(ctx)
	if err != nil {
		return err
	}
	api, err := components.NewProtectedApi(ctx, "notes", &components.ProtectedApiArgs{
		Tenant:   issuer.Tenant{ID: s.tenantID, LoginHost: s.loginHost},
		Deployer: s.deployer,
		Scopes:   []access.Scope{{Value: "Notes.Read", Title: "Read notes"}, {Value: "Notes.Write", Title: "Change notes"}},
		Roles:    []access.Role{{Value: "Notes.Export", Title: "Export notes"}},
		Clients: []access.Client{
			{Name: "cli", Kind: access.ClientNative, RedirectURIs: localhost, Scopes: []string{"Notes.Read"}},
			{Name: "editor", Kind: access.ClientNative, RedirectURIs: localhost, Scopes: []string{"Notes.Read", "Notes.Write"}},
			{Name: "backup", Kind: access.ClientDaemon, Roles: []string{"Notes.Export"}},
		},
		Backends: s.backends,
		Routes: []access.Route{
			{Key: "GET /notes", Scopes: []string{"Notes.Read"}, Roles: []string{"Notes.Export"}},
			{Key: "POST /notes", Scopes: []string{"Notes.Write"}},
		},
		Assignment:   s.assignment,
		Architecture: s.architecture,
	})
	if err != nil {
		return err
	}
	api.Export(ctx)
	return nil
}

// localhost is where a program on the user's machine waits for the answer of
// the browser.
var localhost = []string{"http://localhost"}

// settings are what differs between the places that the program is deployed to.
type settings struct {
	tenantID, loginHost, deployer string
	backends                      []access.Backend
	assignment                    access.Assignment
	// architecture is that of this machine where functions run here.
	architecture functions.Architecture
}

func load(ctx *pulumi.Context) (settings, error) {
	c := config.New(ctx, "")
	s := settings{loginHost: c.Get("loginHost"), architecture: functions.Architecture(c.Get("architecture"))}
	var tenant, deployer error
	s.tenantID, tenant = c.Try("tenantId")
	s.deployer, deployer = c.Try("deployer")
	return s, errors.Join(tenant, deployer,
		c.TryObject("backends", &s.backends), c.TryObject("assignment", &s.assignment))
}
