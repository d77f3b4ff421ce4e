package graph_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

func TestASecretIsAnsweredOnceAndKeptAsAHash(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	id, appID := g.app(object{})
	made := g.do(200, "POST", "/applications/"+id+"/addPassword", object{"passwordCredential": object{"displayName": "ci"}})
	secret := made["secretText"].(string)
	require.Len(t, secret, 40)
	require.Equal(t, secret[:3], made["hint"])
	require.Equal(t, "2026-03-01T12:00:00Z", made["startDateTime"])
	require.Equal(t, "2028-03-01T12:00:00Z", made["endDateTime"])
	require.Nil(t, made["customKeyIdentifier"])

	raw, err := json.Marshal(g.do(200, "GET", "/applications/"+id, nil))
	require.NoError(t, err)
	require.NotContains(t, string(raw), secret)
	g.dir.View(func(s *directory.State) {
		state, err := json.Marshal(s)
		require.NoError(t, err)
		require.NotContains(t, string(state), secret)
		require.NotContains(t, string(raw), s.ApplicationByAppID(appID).PasswordCredentials[0].SecretSHA256)
		require.True(t, s.ApplicationByAppID(appID).PasswordCredentials[0].Matches(secret))
	})

	g.do(204, "POST", "/applications/"+id+"/removePassword", object{"keyId": made["keyId"]})
	g.refuses(400, "Request_BadRequest", "No password credential found with keyId '"+made["keyId"].(string)+"'.", "POST", "/applications/"+id+"/removePassword", object{"keyId": made["keyId"]})
	g.refuses(400, "Request_BadRequest", "A value is required for property 'keyId'", "POST", "/applications/"+id+"/removePassword", object{})
}

func TestSecretRules(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	id, _ := g.app(object{})
	path := "/applications/" + id + "/addPassword"
	add := func(credential object) object { return object{"passwordCredential": credential} }
	for name, tc := range map[string]struct {
		body    object
		message string
	}{
		"a secret of one's own":    {add(object{"secretText": "hunter2"}), "must be generated with service generated values"},
		"a key id of one's own":    {add(object{"keyId": id1}), "must be generated with service generated values"},
		"an end before the start":  {add(object{"startDateTime": "2027-01-01T00:00:00Z", "endDateTime": "2026-12-31T00:00:00Z"}), "endDateTime"},
		"a date that is none":      {add(object{"endDateTime": "tomorrow"}), "passwordCredential"},
		"a member that is unknown": {object{"displayName": "x"}, "Invalid property 'displayName'"},
	} {
		t.Run(name, func(*testing.T) { g.refuses(400, "Request_BadRequest", tc.message, "POST", path, tc.body) })
	}
	long := g.do(200, "POST", path, add(object{"endDateTime": "2030-01-01T00:00:00+02:00"}))
	require.Equal(t, "2029-12-31T22:00:00Z", long["endDateTime"])

	// An update may drop a secret and cannot add one.
	other := g.do(200, "POST", path, object{})
	g.do(204, "PATCH", "/applications/"+id, object{"passwordCredentials": []any{object{"keyId": other["keyId"]}}})
	left := g.do(200, "GET", "/applications/"+id, nil)["passwordCredentials"].([]any)
	require.Len(t, left, 1)
	require.Equal(t, other["keyId"], left[0].(object)["keyId"])
	g.refuses(400, "Request_BadRequest", "must be generated", "PATCH", "/applications/"+id, object{"passwordCredentials": []any{object{"displayName": "x"}}})

	personal, _ := g.app(object{"signInAudience": "PersonalMicrosoftAccount", "api": object{"requestedAccessTokenVersion": 2}})
	g.do(200, "POST", "/applications/"+personal+"/addPassword", object{})
	g.do(200, "POST", "/applications/"+personal+"/addPassword", object{})
	g.refuses(400, "Directory_ResourceSizeExceeded", "", "POST", "/applications/"+personal+"/addPassword", object{})
}

func TestASecretMadeWithTheApplication(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	made := g.do(201, "POST", "/beta/applications", object{"displayName": "x", "passwordCredentials": []any{object{"displayName": "first"}}})
	credential := made["passwordCredentials"].([]any)[0].(object)
	require.Len(t, credential["secretText"], 40)
	read := g.do(200, "GET", "/applications/"+made["id"].(string), nil)["passwordCredentials"].([]any)[0].(object)
	require.Nil(t, read["secretText"])
	require.Equal(t, credential["keyId"], read["keyId"])
}

// certificate is a self-signed RSA certificate valid for five years from start.
func certificate(t *testing.T) []byte {
	t.Helper()
	key, err := directory.NewSigningKey(start)
	require.NoError(t, err)
	return key.Certificate
}

func TestCertificates(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	id, _ := g.app(object{})
	path := "/applications/" + id
	der := certificate(t)
	key := func(members object) object {
		k := object{"type": "AsymmetricX509Cert", "usage": "Verify", "key": base64.StdEncoding.EncodeToString(der)}
		maps.Copy(k, members)
		return object{"keyCredentials": []any{k}}
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: start, NotAfter: start.Add(time.Hour)}
	ecDER, err := x509.CreateCertificate(rand.Reader, template, template, ec.Public(), ec)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		body object
		code string
	}{
		"not a certificate":      {key(object{"key": "aGVsbG8="}), "Request_BadRequest"},
		"not base64":             {key(object{"key": "%%"}), "Request_BadRequest"},
		"an elliptic curve":      {key(object{"key": base64.StdEncoding.EncodeToString(ecDER)}), "Request_BadRequest"},
		"for signing":            {key(object{"usage": "Sign"}), "Request_BadRequest"},
		"a symmetric key":        {key(object{"type": "Symmetric"}), "Request_BadRequest"},
		"longer than it is":      {key(object{"endDateTime": "2040-01-01T00:00:00Z"}), "KeyCredentialsInvalidEndDate"},
		"earlier than it is":     {key(object{"startDateTime": "2020-01-01T00:00:00Z"}), "KeyCredentialsInvalidStartDate"},
		"an end before start":    {key(object{"startDateTime": "2028-01-01T00:00:00Z", "endDateTime": "2027-01-01T00:00:00Z"}), "KeyCredentialsInvalidEndDate"},
		"a key id that is none":  {key(object{"keyId": "one"}), "Request_BadRequest"},
		"no key and no known id": {object{"keyCredentials": []any{object{"type": "AsymmetricX509Cert", "usage": "Verify", "keyId": id1}}}, "Request_BadRequest"},
	} {
		t.Run(name, func(*testing.T) { g.refuses(400, tc.code, "", "PATCH", path, tc.body) })
	}
	g.do(204, "PATCH", path, key(object{"displayName": "CN=x"}))
	kept := g.do(200, "GET", path, nil)["keyCredentials"].([]any)[0].(object)
	thumbprint := sha1.Sum(der)
	require.Equal(t, strings.ToUpper(hex.EncodeToString(thumbprint[:])), kept["customKeyIdentifier"])
	require.Nil(t, kept["key"])
	require.Equal(t, "2026-03-01T12:00:00Z", kept["startDateTime"])
	selected := g.do(200, "GET", path+"?$select=keyCredentials", nil)["keyCredentials"].([]any)[0].(object)
	require.Equal(t, base64.StdEncoding.EncodeToString(der), selected["key"])

	// What was read may be sent back beside a new one: the old certificate stays.
	both := object{"keyCredentials": []any{kept, key(nil)["keyCredentials"].([]any)[0]}}
	g.do(204, "PATCH", path, both)
	list := g.do(200, "GET", path+"?$select=keyCredentials", nil)["keyCredentials"].([]any)
	require.Len(t, list, 2)
	require.NotNil(t, list[0].(object)["key"])

	inPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	g.do(204, "PATCH", path, key(object{"key": base64.StdEncoding.EncodeToString(inPEM)}))
	selected = g.do(200, "GET", path+"?$select=keyCredentials", nil)["keyCredentials"].([]any)[0].(object)
	require.Equal(t, base64.StdEncoding.EncodeToString(der), selected["key"])
	g.do(204, "PATCH", path, object{"keyCredentials": []any{}})
	require.Empty(t, g.do(200, "GET", path, nil)["keyCredentials"])
}

func TestFederatedCredentials(t *testing.T) {
	t.Parallel()
	g := newTenant(t)
	id, _ := g.app(object{})
	path := "/applications/" + id + "/federatedIdentityCredentials"
	credential := func(members object) object {
		c := object{"name": "ci-main", "issuer": "https://token.actions.githubusercontent.com", "subject": "repo:o/r:ref:refs/heads/main", "audiences": []any{"api://AzureADTokenExchange"}}
		maps.Copy(c, members)
		return c
	}
	resp, made := g.send(201, "POST", path, credential(object{"description": nil}))
	require.Equal(t, g.url+"/v1.0"+path+"/"+made["id"].(string), resp.Header.Get("Location"))
	require.NotContains(t, made, "addedAt")
	other := object{"name": "other", "subject": "other"}
	const code = "InvalidFederatedIdentityCredentialValue"
	for name, tc := range map[string]struct {
		members       object
		code, message string
	}{
		"a short name":        {object{"name": "ab"}, code, "3 to 120"},
		"a long name":         {object{"name": strings.Repeat("x", 121)}, code, "3 to 120"},
		"a name with a slash": {object{"name": "a/b/c"}, code, "3 to 120"},
		"the same subject":    {object{"name": "again"}, code, "The combination of issuer and subject must be unique"},
		"no issuer":           {object{"issuer": "", "name": "other"}, "Request_BadRequest", "A value is required for property 'issuer'"},
		"an issuer over http": {object{"issuer": "http://example.com", "name": "other"}, code, "https"},
		"a long subject":      {object{"subject": strings.Repeat("x", 601), "name": "other"}, code, "600"},
		"a wildcard":          {object{"subject": "repo:o/*", "name": "other"}, code, "wildcards"},
		"no subject":          {object{"subject": "", "name": "other"}, "Request_BadRequest", "A value is required for property 'subject'"},
		"no audience":         {object{"audiences": []any{}, "name": "other", "subject": "other"}, code, "Exactly one audience"},
		"two audiences":       {object{"audiences": []any{"a", "b"}, "name": "other", "subject": "other"}, code, "Exactly one audience"},
		"an empty audience":   {object{"audiences": []any{""}, "name": "other", "subject": "other"}, code, "Exactly one audience"},
		"audiences as a text": {object{"audiences": "a", "name": "other"}, "Request_BadRequest", "audiences"},
		"an unknown member":   {object{"kind": "x"}, "Request_BadRequest", "The property 'kind' does not exist"},
	} {
		t.Run(name, func(*testing.T) { g.refuses(400, tc.code, tc.message, "POST", path, credential(tc.members)) })
	}
	g.refuses(409, "Request_MultipleObjectsWithSameKeyValue", "already exists", "POST", path, credential(object{"subject": "other"}))

	one := path + "/" + made["id"].(string)
	g.do(204, "PATCH", one, object{"name": "ci-main", "subject": "repo:o/r:environment:prod"})
	g.refuses(400, "Request_BadRequest", "Property 'name' is read-only", "PATCH", one, object{"name": "renamed"})
	g.refuses(400, code, "Exactly one audience", "PATCH", one, object{"audiences": []any{}})
	require.Equal(t, "repo:o/r:environment:prod", g.do(200, "GET", path+"/ci-main", nil)["subject"])
	for i := range 19 {
		g.do(201, "POST", path, credential(object{"name": fmt.Sprint("more-", i), "subject": fmt.Sprint(i)}))
	}
	g.refuses(400, code, "maximum number", "POST", path, credential(other))
	g.do(204, "DELETE", one, nil)
	g.refuses(404, "Request_ResourceNotFound", "", "GET", one, nil)
	require.Len(t, values(g.do(200, "GET", path, nil)), 19)
}
