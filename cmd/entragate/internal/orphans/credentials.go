package orphans

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
)

// What clients prove themselves by. Their secrets are not looked for: the rotator
// makes them, no resource stands for one, and they go with the application.

// certificate is that of an application, without the certificate itself.
// https://learn.microsoft.com/graph/api/resources/keycredential
type certificate struct {
	KeyID       string    `json:"keyId"`
	DisplayName string    `json:"displayName"`
	EndDateTime time.Time `json:"endDateTime"`
}

// certificateObjects are the certificates of an application. The certificate is a
// secret input, so that its end tells it apart.
func certificateObjects(application, name string, certificates []certificate) []Object {
	var objects []Object
	for _, c := range certificates {
		objects = append(objects, Object{
			Cloud: "entra", Type: typeCertificate, ID: c.KeyID, Parent: application,
			Name:     name + ": " + c.DisplayName,
			importID: application + "/certificate/" + c.KeyID,
			distinct: map[string]string{
				"applicationId": "/applications/" + application, "endDate": c.EndDateTime.UTC().Format(time.RFC3339),
			},
		})
	}
	return objects
}

// federatedObjects are the federated credentials of an application.
func federatedObjects(ctx context.Context, g *clouds.Graph, application, name string) ([]Object, error) {
	type credential struct {
		ID      string `json:"id"`
		Name    string `json:"name"`
		Subject string `json:"subject"`
	}
	credentials, err := clouds.List[credential](ctx, g, "/applications/"+application+"/federatedIdentityCredentials")
	if err != nil && !clouds.IsNotFound(err) {
		return nil, err
	}
	var objects []Object
	for _, c := range credentials {
		objects = append(objects, Object{
			Cloud: "entra", Type: typeFederation, ID: c.ID, Parent: application, Name: name + ": " + c.Subject,
			importID: application + "/federatedIdentityCredential/" + c.ID,
			distinct: map[string]string{"applicationId": "/applications/" + application, "displayName": c.Name},
		})
	}
	return objects, nil
}

// ownerObjects tell whether an application is owned by its own service principal:
// a rotator with a secret of its own is. Other owners are inputs of the
// application.
func ownerObjects(ctx context.Context, g *clouds.Graph, application, principal, name string) ([]Object, error) {
	type owner struct {
		ID string `json:"id"`
	}
	owners, err := clouds.List[owner](ctx, g, "/applications/"+application+"/owners?$select=id")
	if err != nil && !clouds.IsNotFound(err) {
		return nil, err
	}
	var objects []Object
	for _, o := range owners {
		if o.ID == principal {
			objects = append(objects, Object{
				Cloud: "entra", Type: typeOwner, ID: principal, Parent: application, Name: name + ": itself",
				importID: "/applications/" + application + "/owners/" + principal,
				distinct: map[string]string{"applicationId": "/applications/" + application, "ownerObjectId": principal},
			})
		}
	}
	return objects, nil
}

// removeCertificate takes a certificate from its application, which is changed as
// a whole. The others keep theirs, since an answer without the certificate itself
// means the one that is there, as the provider has it.
func removeCertificate(ctx context.Context, g *clouds.Graph, o Object) error {
	var application struct {
		KeyCredentials []map[string]any `json:"keyCredentials"`
	}
	path := "/applications/" + o.Parent
	if err := g.Call(ctx, http.MethodGet, path, nil, &application); err != nil {
		return err
	}
	left := []map[string]any{} // none at all is an empty list, not null
	for _, k := range application.KeyCredentials {
		if id, _ := k["keyId"].(string); !strings.EqualFold(id, o.ID) {
			left = append(left, k)
		}
	}
	if len(left) == len(application.KeyCredentials) {
		return nil
	}
	return g.Call(ctx, http.MethodPatch, path, map[string]any{"keyCredentials": left}, nil)
}
