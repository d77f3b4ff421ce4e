package orphans

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/components"
)

// Stack is whose objects are looked for.
type Stack struct {
	// Project and Name are those of the tags.
	Project, Name string
	// GrantsExternal says that an administrator makes what clients are granted:
	// the state does not know of it, and yet it is no orphan.
	GrantsExternal bool
}

// entraObjects are the stack's registrations and service principals, and what
// hangs on them.
func entraObjects(ctx context.Context, g *clouds.Graph, s Stack) ([]Object, error) {
	// Tags hold no quote that would end the literal: Pulumi's names are plain.
	filter := url.QueryEscape("tags/any(t:t eq '" + strings.ReplaceAll(components.EntraTag(components.TagProject, s.Project), "'", "''") + "')")
	type registration struct {
		ID             string        `json:"id"`
		AppID          string        `json:"appId"`
		DisplayName    string        `json:"displayName"`
		Tags           []string      `json:"tags"`
		IdentifierURIs []string      `json:"identifierUris"`
		Certificates   []certificate `json:"keyCredentials"`
	}
	mine := func(r registration) bool {
		return slices.Contains(r.Tags, components.EntraTag(components.TagProject, s.Project)) &&
			slices.Contains(r.Tags, components.EntraTag(components.TagStack, s.Name))
	}
	applications, err := clouds.List[registration](ctx, g, "/applications?$filter="+filter)
	if err != nil {
		return nil, err
	}
	principals, err := clouds.List[registration](ctx, g, "/servicePrincipals?$filter="+filter)
	if err != nil {
		return nil, err
	}
	var objects []Object
	owned := map[string]string{} // object ids by client ids
	for _, a := range applications {
		if mine(a) {
			owned[a.AppID] = a.ID
			objects = append(objects, Object{
				Cloud: "entra", Type: typeApplication, ID: a.ID, Name: a.DisplayName, importID: "/applications/" + a.ID,
				distinct: map[string]string{"displayName": a.DisplayName},
			})
			for _, uri := range a.IdentifierURIs {
				objects = append(objects, Object{
					Cloud: "entra", Type: typeURI, ID: uri, Parent: a.ID, Name: uri,
					importID: "/applications/" + a.ID + "/identifierUris/" + base64.URLEncoding.EncodeToString([]byte(uri)),
					distinct: map[string]string{"applicationId": "/applications/" + a.ID, "identifierUri": uri},
				})
			}
			objects = append(objects, certificateObjects(a.ID, a.DisplayName, a.Certificates)...)
			federated, err := federatedObjects(ctx, g, a.ID, a.DisplayName)
			if err != nil {
				return nil, err
			}
			objects = append(objects, federated...)
		}
	}
	// The provider tags a service principal as it creates it; one that an
	// application has without tags was still made for it.
	byClientID := map[string]registration{}
	for _, p := range principals {
		if mine(p) {
			byClientID[p.AppID] = p
		}
	}
	for appID := range owned {
		if _, listed := byClientID[appID]; listed {
			continue
		}
		found, err := clouds.List[registration](ctx, g, "/servicePrincipals?$filter="+url.QueryEscape("appId eq '"+appID+"'"))
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			byClientID[p.AppID] = p
		}
	}
	assigned := map[string]bool{}
	for _, p := range byClientID {
		objects = append(objects, Object{
			Cloud: "entra", Type: typePrincipal, ID: p.ID, Name: p.DisplayName, importID: p.ID,
			distinct: map[string]string{"clientId": p.AppID},
		})
		below, err := belowPrincipal(ctx, g, p.ID, p.DisplayName)
		if err != nil {
			return nil, err
		}
		if application := owned[p.AppID]; application != "" {
			own, err := ownerObjects(ctx, g, application, p.ID, p.DisplayName)
			if err != nil {
				return nil, err
			}
			objects = append(objects, own...)
		}
		for _, o := range below {
			if o.Type == typeAssignment && assigned[o.ID] {
				continue // that of a client to an API of the same stack is below both
			}
			assigned[o.ID] = true
			objects = append(objects, o)
		}
	}
	return objects, nil
}

// belowPrincipal are the delegated grants of a client, what it is assigned to,
// such as Microsoft Graph, and what is assigned to an API. They carry no tags.
func belowPrincipal(ctx context.Context, g *clouds.Graph, id, name string) ([]Object, error) {
	type grant struct {
		ID          string `json:"id"`
		ClientID    string `json:"clientId"`
		ConsentType string `json:"consentType"`
		ResourceID  string `json:"resourceId"`
		Scope       string `json:"scope"`
	}
	type assignment struct {
		ID                   string `json:"id"`
		AppRoleID            string `json:"appRoleId"`
		PrincipalID          string `json:"principalId"`
		PrincipalDisplayName string `json:"principalDisplayName"`
		ResourceDisplayName  string `json:"resourceDisplayName"`
		ResourceID           string `json:"resourceId"`
	}
	grants, err := clouds.List[grant](ctx, g, "/servicePrincipals/"+id+"/oauth2PermissionGrants")
	if err != nil && !clouds.IsNotFound(err) {
		return nil, err
	}
	var objects []Object
	for _, x := range grants {
		if x.ConsentType != "AllPrincipals" {
			continue // what one user consented to is theirs
		}
		objects = append(objects, Object{
			Cloud: "entra", Type: typeGrant, ID: x.ID, Parent: id, Name: name + ": " + x.Scope, importID: x.ID,
			distinct: map[string]string{
				"servicePrincipalObjectId": x.ClientID, "resourceServicePrincipalObjectId": x.ResourceID,
			},
		})
	}
	for _, list := range []string{"/appRoleAssignedTo", "/appRoleAssignments"} {
		assignments, err := clouds.List[assignment](ctx, g, "/servicePrincipals/"+id+list)
		if err != nil && !clouds.IsNotFound(err) {
			return nil, err
		}
		for _, a := range assignments {
			objects = append(objects, Object{
				Cloud: "entra", Type: typeAssignment, ID: a.ID, Parent: a.ResourceID,
				Name:     a.ResourceDisplayName + ": " + a.PrincipalDisplayName,
				importID: a.ResourceID + "/appRoleAssignment/" + a.ID,
				distinct: map[string]string{
					"principalObjectId": a.PrincipalID, "resourceObjectId": a.ResourceID, "appRoleId": a.AppRoleID,
				},
			})
		}
	}
	return objects, nil
}

// entraPath is where an object is deleted.
func entraPath(o Object) string {
	switch o.Type {
	case typeApplication:
		return "/applications/" + o.ID
	case typePrincipal:
		return "/servicePrincipals/" + o.ID
	case typeOwner:
		return "/applications/" + o.Parent + "/owners/" + o.ID + "/$ref"
	case typeFederation:
		return "/applications/" + o.Parent + "/federatedIdentityCredentials/" + o.ID
	case typeGrant:
		return "/oauth2PermissionGrants/" + o.ID
	default:
		return "/servicePrincipals/" + o.Parent + "/appRoleAssignedTo/" + o.ID
	}
}

func deleteEntra(ctx context.Context, g *clouds.Graph, o Object) error {
	var err error
	switch o.Type {
	case typeURI:
		err = removeURI(ctx, g, o)
	case typeCertificate:
		err = removeCertificate(ctx, g, o)
	default:
		err = g.Call(ctx, http.MethodDelete, entraPath(o), nil, nil)
	}
	answer, ok := errors.AsType[*clouds.GraphError](err)
	if clouds.IsNotFound(err) || ok && strings.Contains(answer.Message, "removed object references do not exist") {
		return nil // it went with what it was below, or is an owner no more
	}
	return err
}

// removeURI takes an identifier URI from its application: it is not an object
// of its own, although the provider treats it as one.
func removeURI(ctx context.Context, g *clouds.Graph, o Object) error {
	var application struct {
		IdentifierURIs []string `json:"identifierUris"`
	}
	path := "/applications/" + o.Parent
	if err := g.Call(ctx, http.MethodGet, path+"?$select=identifierUris", nil, &application); err != nil {
		return err
	}
	application.IdentifierURIs = slices.DeleteFunc(application.IdentifierURIs, func(uri string) bool { return uri == o.ID })
	return g.Call(ctx, http.MethodPatch, path, application, nil)
}
