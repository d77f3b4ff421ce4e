package orphans

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/cmd/entragate/internal/engine"
	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/sandbox/entra/directory"
)

// ownedBy is the permission of Microsoft Graph that the rotator has.
const ownedBy = "18a4783c-866b-4cc7-a460-3d5e5662c884"

type body = map[string]any

// post makes something and returns it.
func post(t *testing.T, g *clouds.Graph, path string, in body) body {
	t.Helper()
	out := body{}
	require.NoError(t, g.Call(t.Context(), http.MethodPost, path, in, &out))
	return out
}

// registered makes an application with its service principal and returns their
// object ids.
func registered(t *testing.T, g *clouds.Graph, name string, tags map[string]string, more body) (application, principal string) {
	t.Helper()
	list := []string{}
	for key, value := range tags {
		list = append(list, components.EntraTag(key, value))
	}
	in := body{"displayName": name, "tags": list}
	maps.Copy(in, more)
	a := post(t, g, "/applications", in)
	p := post(t, g, "/servicePrincipals", body{"appId": a["appId"], "tags": list})
	return a["id"].(string), p["id"].(string)
}

func assign(t *testing.T, g *clouds.Graph, principal, resource, role string) string {
	t.Helper()
	made := post(t, g, "/servicePrincipals/"+resource+"/appRoleAssignedTo",
		body{"principalId": principal, "resourceId": resource, "appRoleId": role})
	return made["id"].(string)
}

// certificateOf is a certificate until a time, in DER.
func certificateOf(t *testing.T, key *rsa.PrivateKey, until time.Time) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(until.Unix()), Subject: pkix.Name{CommonName: "web"}, NotBefore: until.AddDate(-1, 0, 0), NotAfter: until,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	return der
}

func TestAssignmentsAreFoundFromBothSidesAndOnce(t *testing.T) {
	t.Parallel()
	c := newClouds(t)
	const role = "5f3c1c4e-0a55-4c1c-9a39-0d7a5b8a3c22"
	_, api := registered(t, c.Graph, "orders", stackTags, body{"appRoles": []body{{
		"id": role, "allowedMemberTypes": []string{"Application"}, "displayName": "Read", "description": "Read", "value": "Orders.Read", "isEnabled": true,
	}}})
	_, daemon := registered(t, c.Graph, "daemon", stackTags, nil)
	_, rotator := registered(t, c.Graph, "rotator", stackTags, nil)
	_, stranger := registered(t, c.Graph, "stranger", otherTags, nil)
	graphs, err := clouds.List[struct{ ID string }](t.Context(), c.Graph,
		"/servicePrincipals?$filter="+url.QueryEscape("appId eq '"+directory.GraphAppID+"'"))
	require.NoError(t, err)
	graph := graphs[0].ID
	toAPI, toGraph := assign(t, c.Graph, daemon, api, role), assign(t, c.Graph, rotator, graph, ownedBy)
	theirs := assign(t, c.Graph, stranger, graph, ownedBy)

	objects, err := entraObjects(t.Context(), c.Graph, stack)
	require.NoError(t, err)
	assignments := Find(objects, nil)[:2]
	require.ElementsMatch(t, [][2]string{{typeAssignment, toAPI}, {typeAssignment, toGraph}}, found(assignments))
	require.Len(t, objects, 8, "and three applications with their service principals")

	require.Equal(t, map[string]string{"u": graph + "/appRoleAssignment/" + toGraph}, Adoptable(objects, []engine.Operation{
		pending(apitype.OperationTypeCreating, "u", typeAssignment, map[string]any{
			"principalObjectId": rotator, "resourceObjectId": graph, "appRoleId": ownedBy,
		}),
	}))

	external := stack
	external.GrantsExternal = true
	all, err := List(t.Context(), c, external)
	require.NoError(t, err)
	require.Len(t, all, 6, "what an administrator assigned is no orphan")

	require.NoError(t, Delete(t.Context(), c, assignments))
	objects, err = entraObjects(t.Context(), c.Graph, stack)
	require.NoError(t, err)
	require.Len(t, objects, 6)
	others, err := entraObjects(t.Context(), c.Graph, Stack{Project: stack.Project, Name: "prod"})
	require.NoError(t, err)
	require.Contains(t, found(others), [2]string{typeAssignment, theirs})
}

func TestAnApplicationThatOwnsItselfIsFound(t *testing.T) {
	t.Parallel()
	c := newClouds(t)
	application, principal := registered(t, c.Graph, "rotator", stackTags, nil)
	other, _ := registered(t, c.Graph, "web", stackTags, nil)
	for _, owned := range []string{application, other} {
		require.NoError(t, c.Graph.Call(t.Context(), http.MethodPost, "/applications/"+owned+"/owners/$ref",
			body{"@odata.id": c.Graph.Endpoint + "/v1.0/directoryObjects/" + principal}, nil))
	}
	objects, err := entraObjects(t.Context(), c.Graph, stack)
	require.NoError(t, err)
	own := Find(objects, nil)[0]
	require.Equal(t, [2]string{typeOwner, principal}, [2]string{own.Type, own.ID})
	require.Equal(t, application, own.Parent)
	require.Len(t, objects, 5, "other owners are inputs of the application")

	require.NoError(t, Delete(t.Context(), c, []Object{own}))
	require.NoError(t, Delete(t.Context(), c, []Object{own}), "what is gone is no error")
	objects, err = entraObjects(t.Context(), c.Graph, stack)
	require.NoError(t, err)
	require.Len(t, objects, 4)
}

func TestWhatClientsProveThemselvesByIsFoundAndDeleted(t *testing.T) {
	t.Parallel()
	c := newClouds(t)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	soon, later := time.Now().AddDate(0, 1, 0).UTC().Truncate(time.Second), time.Now().AddDate(0, 2, 0).UTC().Truncate(time.Second)
	keys := []body{}
	for _, until := range []time.Time{soon, later} {
		keys = append(keys, body{"type": "AsymmetricX509Cert", "usage": "Verify", "key": certificateOf(t, key, until)})
	}
	application, _ := registered(t, c.Graph, "web", stackTags, body{"keyCredentials": keys})
	federated := post(t, c.Graph, "/applications/"+application+"/federatedIdentityCredentials", body{
		"name": "web-aws", "issuer": "https://issuer.example", "subject": "arn:aws:iam::000000000000:role/web",
		"audiences": []string{"api://AzureADTokenExchange"},
	})["id"].(string)
	post(t, c.Graph, "/applications/"+application+"/addPassword", body{"passwordCredential": body{"displayName": "entragate rotation x"}})

	objects, err := entraObjects(t.Context(), c.Graph, stack)
	require.NoError(t, err)
	credentials := Find(objects, nil)[:3]
	require.Equal(t, []string{typeFederation, typeCertificate, typeCertificate},
		[]string{credentials[0].Type, credentials[1].Type, credentials[2].Type})
	require.Equal(t, federated, credentials[0].ID)
	require.Len(t, objects, 5, "secrets are not looked for")

	ofApplication := func(name, value string) map[string]any {
		return map[string]any{"applicationId": "/applications/" + application, name: value}
	}
	adopted := Adoptable(objects, []engine.Operation{
		pending(apitype.OperationTypeCreating, "certificate", typeCertificate, ofApplication("endDate", later.Format(time.RFC3339))),
		pending(apitype.OperationTypeCreating, "federation", typeFederation, ofApplication("displayName", "web-aws")),
		pending(apitype.OperationTypeCreating, "another", typeFederation, ofApplication("displayName", "web-github")),
	})
	require.Len(t, adopted, 2)
	require.Equal(t, application+"/federatedIdentityCredential/"+federated, adopted["federation"])

	last := credentials[1]
	if last.distinct["endDate"] != later.Format(time.RFC3339) {
		last = credentials[2]
	}
	require.Equal(t, application+"/certificate/"+last.ID, adopted["certificate"])
	require.NoError(t, Delete(t.Context(), c, []Object{last, credentials[0]}))
	require.NoError(t, Delete(t.Context(), c, []Object{last, credentials[0]}), "what is gone is no error")
	objects, err = entraObjects(t.Context(), c.Graph, stack)
	require.NoError(t, err)
	require.Len(t, objects, 3)
	left := Find(objects, nil)[0]
	require.Equal(t, typeCertificate, left.Type)
	require.Equal(t, soon.Format(time.RFC3339), left.distinct["endDate"], "the other one stays")

	require.NoError(t, Delete(t.Context(), c, []Object{left}))
	objects, err = entraObjects(t.Context(), c.Graph, stack)
	require.NoError(t, err)
	require.Len(t, objects, 2)
}
