package stacks

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/functions"
	"github.com/entragate/entragate/issuer"
)

// Config is the configuration of one stack. Pulumi.yaml describes each setting
// and holds the defaults.
type Config struct {
	TenantID       string                       `json:"tenantId"`
	Cloud          issuer.Cloud                 `json:"cloud"`
	LoginHost      string                       `json:"loginHost"`
	GraphHost      string                       `json:"graphHost"`
	Deployer       string                       `json:"deployer"`
	Owners         []string                     `json:"owners"`
	API            API                          `json:"api"`
	Scopes         []access.Scope               `json:"scopes"`
	Roles          []access.Role                `json:"roles"`
	Clients        []access.Client              `json:"clients"`
	Functions      []components.BackendFunction `json:"functions"`
	Backends       []access.Backend             `json:"backends"`
	Routes         []access.Route               `json:"routes"`
	Authorizer     components.RoleAuthorizer    `json:"authorizer"`
	Architecture   functions.Architecture       `json:"architecture"`
	Assignment     access.Assignment            `json:"assignment"`
	Grants         components.Grants            `json:"grants"`
	CORS           components.CORS              `json:"cors"`
	Throttle       access.Throttle              `json:"throttle"`
	Credentials    components.Credentials       `json:"credentials"`
	AccessLog      components.AccessLogSettings `json:"accessLog"`
	Alarms         components.Alarms            `json:"alarms"`
	Acknowledged   []review.Acknowledgement     `json:"acknowledged"`
	Protect        bool                         `json:"protect"`
	AllowLocalhost bool                         `json:"allowLocalhost"`
	Tags           map[string]string            `json:"tags"`

	// project and stack are where the configuration is from.
	project, stack string
	// dir is the project's folder, "" if it is the working directory.
	dir string
}

// API names the API.
type API struct {
	// Name is part of every resource name: lower-case letters, digits and dashes.
	Name string `json:"name"`
	// DisplayName defaults to the name and the stack, such as "orders dev".
	DisplayName string `json:"displayName"`
}

// Located returns the configuration with the paths of programs, which are
// relative to the project, as they are from everywhere.
func (c Config) Located() Config {
	c.Authorizer.Binary = c.locate(c.Authorizer.Binary)
	c.Credentials.Binary = c.locate(c.Credentials.Binary)
	c.Clients = slices.Clone(c.Clients)
	for i, client := range c.Clients {
		if client.Credential != nil && client.Credential.File != "" {
			credential := *client.Credential
			credential.File = c.locate(credential.File)
			c.Clients[i].Credential = &credential
		}
	}
	c.Functions = slices.Clone(c.Functions)
	for i, f := range c.Functions {
		c.Functions[i].Binary = c.locate(f.Binary)
		if strings.HasPrefix(f.Package, ".") { // or it is an import path
			c.Functions[i].Package = c.locate(f.Package)
		}
	}
	return c
}

func (c Config) locate(path string) string {
	if path == "" || c.dir == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.dir, path)
}

// Model is the access model of what the configuration makes: see
// [components.ProtectedApiArgs.Model].
func (c Config) Model() access.Model { return c.args(nil).Model() }

// Deployment is what the configuration declares of access: see
// [components.ProtectedApiArgs.Deployment].
func (c Config) Deployment() review.Deployment { return c.args(nil).Deployment() }

// Tenant is where callers of the stack sign in.
func (c Config) Tenant() issuer.Tenant {
	return issuer.Tenant{ID: c.TenantID, Cloud: c.Cloud, LoginHost: c.LoginHost, GraphHost: c.GraphHost}
}

// Validate returns nil, or [access.Problems] with everything that is wrong,
// with paths such as "entragate:routes[3].scopes[0]".
func (c Config) Validate() error {
	if found := c.problems(); len(found) > 0 {
		return found
	}
	return nil
}

func (c Config) problems() access.Problems {
	var found access.Problems
	if !resourceName.MatchString(c.API.Name) {
		found = append(found, access.Problem{
			Path: "api.name", Message: "malformed name", Got: c.API.Name,
			Want: "up to 40 lower-case letters, digits and single dashes, beginning with a letter",
		})
	}
	if problems, ok := errors.AsType[access.Problems](c.args(nil).Validate(c.API.Name)); ok {
		found = append(found, problems...)
	}
	for i, a := range c.Acknowledged {
		if problems, ok := errors.AsType[access.Problems](a.Validate(time.Now())); ok {
			found = append(found, problems.Prefix(fmt.Sprintf("acknowledged[%d].", i))...)
		}
	}
	for i := range found {
		if found[i].Path == "displayName" {
			found[i].Path = "api.displayName"
		}
	}
	return found.Prefix(c.project + ":")
}

// args are the component's arguments. The client reads the discovery document.
func (c Config) args(client *http.Client) *components.ProtectedApiArgs {
	c = c.Located()
	args := &components.ProtectedApiArgs{
		Tenant:         c.Tenant(),
		DisplayName:    c.API.DisplayName,
		Deployer:       c.Deployer,
		Owners:         c.Owners,
		Scopes:         c.Scopes,
		Roles:          c.Roles,
		Clients:        c.Clients,
		Functions:      c.Functions,
		Backends:       c.Backends,
		Routes:         c.Routes,
		Authorizer:     c.Authorizer,
		Architecture:   c.Architecture,
		Assignment:     c.Assignment,
		Grants:         c.Grants,
		Throttle:       &c.Throttle,
		Credentials:    c.Credentials,
		AccessLog:      c.AccessLog,
		Alarms:         c.Alarms,
		Protect:        c.Protect,
		AllowLocalhost: c.AllowLocalhost,
		Tags:           c.Tags,
		HTTPClient:     client,
	}
	if args.DisplayName == "" {
		args.DisplayName = c.API.Name + " " + c.stack
	}
	if !reflect.DeepEqual(c.CORS, components.CORS{}) {
		args.CORS = &c.CORS
	}
	return args
}
