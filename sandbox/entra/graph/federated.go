package graph

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// Limits of federated identity credentials.
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
const (
	maxFederated      = 20
	maxFederatedValue = 600
	federatedResource = "FederatedIdentityCredential"
)

// federatedName: 3 to 120 characters that need no escaping in a URL.
var federatedName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{2,119}$`)

var federatedMembers = members{
	"id": fixed, "name": fixed, "issuer": typed, "subject": typed, "audiences": typed, "description": typed,
}

var federatedCredentials = entity{
	kind:       "federatedIdentityCredential",
	set:        "federatedIdentityCredentials",
	filterable: []string{"id", "name", "issuer", "subject"},
	sample:     func(*call) map[string]any { return renderFederated(directory.FederatedCredential{}) },
}

func renderFederated(f directory.FederatedCredential) map[string]any {
	m := toMap(f)
	delete(m, "addedAt")
	return m
}

func (c *call) listFederated() (answer, error) {
	a, err := c.application()
	if err != nil {
		return answer{}, err
	}
	objects := make([]map[string]any, 0, len(a.FederatedCredentials))
	for _, f := range a.FederatedCredentials {
		if c.visible(f.AddedAt) {
			objects = append(objects, renderFederated(f))
		}
	}
	return c.collection(federatedCredentials, objects)
}

// federated finds the credential that the path names, by id or name.
func (c *call) federated(a *directory.Application) (int, error) {
	param := c.params["credential"]
	if name, ok := alternateKey(param, "name"); ok {
		param = name
	}
	i := slices.IndexFunc(a.FederatedCredentials, func(f directory.FederatedCredential) bool {
		return (strings.EqualFold(f.ID, param) || f.Name == param) && c.visible(f.AddedAt)
	})
	if i < 0 {
		return 0, notFound(param)
	}
	return i, nil
}

func (c *call) getFederated() (answer, error) {
	a, err := c.application()
	if err != nil {
		return answer{}, err
	}
	i, err := c.federated(a)
	if err != nil {
		return answer{}, err
	}
	return c.entityAnswer(federatedCredentials, renderFederated(a.FederatedCredentials[i]))
}

// createFederated trusts the tokens of another issuer for an application.
// https://learn.microsoft.com/graph/api/application-post-federatedidentitycredentials
func (c *call) createFederated() (answer, error) {
	a, err := c.managedApplication()
	if err != nil {
		return answer{}, err
	}
	f, err := decodeBody[directory.FederatedCredential](c, federatedResource)
	if err != nil {
		return answer{}, err
	}
	f.ID, f.AddedAt = newID(), c.now
	if !federatedName.MatchString(f.Name) {
		return answer{}, invalidFederated("name", "The name must have 3 to 120 characters that are safe in a URL.")
	}
	if len(a.FederatedCredentials) >= maxFederated {
		return answer{}, invalidFederated("name", "The maximum number of federated identity credentials per object is reached: 20.")
	}
	if slices.ContainsFunc(a.FederatedCredentials, func(o directory.FederatedCredential) bool { return strings.EqualFold(o.Name, f.Name) }) {
		return answer{}, conflict("FederatedIdentityCredential with name " + f.Name + " already exists.")
	}
	if err := checkFederated(a, f); err != nil {
		return answer{}, err
	}
	a.FederatedCredentials = append(a.FederatedCredentials, *f)
	created := c.created(federatedCredentials, renderFederated(*f))
	created.location = "/applications/" + a.ID + created.location
	return created, nil
}

func (c *call) updateFederated() (answer, error) {
	a, err := c.managedApplication()
	if err != nil {
		return answer{}, err
	}
	i, err := c.federated(a)
	if err != nil {
		return answer{}, err
	}
	f, err := changed(&a.FederatedCredentials[i], federatedResource, federatedMembers, c.body)
	if err != nil {
		return answer{}, err
	}
	if err := checkFederated(a, f); err != nil {
		return answer{}, err
	}
	a.FederatedCredentials[i] = *f
	return noContent, nil
}

func (c *call) deleteFederated() (answer, error) {
	a, err := c.managedApplication()
	if err != nil {
		return answer{}, err
	}
	i, err := c.federated(a)
	if err != nil {
		return answer{}, err
	}
	a.FederatedCredentials = slices.Delete(slices.Clone(a.FederatedCredentials), i, i+1)
	return noContent, nil
}

// checkFederated: issuer and subject are exact, wildcards are not supported,
// their combination is unique in the application, and there is one audience.
// Code and message of a combination that is taken are seen in
// https://github.com/Azure/azure-workload-identity/issues/434; the other
// messages are guesses.
func checkFederated(a *directory.Application, f *directory.FederatedCredential) error {
	switch {
	case f.Issuer == "":
		return requiredProperty("issuer", federatedResource)
	case f.Subject == "":
		return requiredProperty("subject", federatedResource)
	case len(f.Issuer) > maxFederatedValue || !strings.HasPrefix(f.Issuer, "https://"):
		return invalidFederated("issuer", "The issuer must be an https URL of at most 600 characters.")
	case len(f.Subject) > maxFederatedValue || strings.Contains(f.Subject, "*"):
		return invalidFederated("subject", "The subject must have at most 600 characters, and no wildcards.")
	case f.Description != nil && len(*f.Description) > maxFederatedValue:
		return invalidFederated("description", "The description must have at most 600 characters.")
	case len(f.Audiences) != 1 || f.Audiences[0] == "" || len(f.Audiences[0]) > maxFederatedValue:
		return invalidFederated("audiences", "Exactly one audience of at most 600 characters is required.")
	}
	for _, other := range a.FederatedCredentials {
		if other.ID != f.ID && other.Issuer == f.Issuer && other.Subject == f.Subject {
			return invalidFederated("subject", "The combination of issuer and subject must be unique for the application. Issuer "+
				f.Issuer+" and Subject: "+f.Subject+" already exist.")
		}
	}
	return nil
}

func invalidFederated(target, message string) error {
	return &Error{Status: http.StatusBadRequest, Code: "InvalidFederatedIdentityCredentialValue", Message: message, Target: target}
}
