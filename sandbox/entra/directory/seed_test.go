package directory_test

import (
	"crypto/x509"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

const tenantID = "6f3c1c4e-0a55-4c1c-9a39-0d7a5b8a3c11"

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func seed(t *testing.T) (*directory.State, directory.Secrets) {
	t.Helper()
	s, secrets, err := directory.Seed(directory.SeedOptions{
		TenantID: tenantID,
		GraphURL: "https://localhost:8443/",
		Now:      func() time.Time { return start },
	})
	require.NoError(t, err)
	return s, secrets
}

func TestATenantNeedsAGUID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "common", "organizations", "contoso.onmicrosoft.com"} {
		_, _, err := directory.Seed(directory.SeedOptions{TenantID: id})
		require.ErrorContains(t, err, "tenant id: got ")
	}
}

func TestSeededIDsAreStableAndDifferByTenant(t *testing.T) {
	t.Parallel()
	a, _ := seed(t)
	b, _ := seed(t)
	require.ElementsMatch(t, keys(a.Users), keys(b.Users))
	require.ElementsMatch(t, keys(a.ServicePrincipals), keys(b.ServicePrincipals))
	require.ElementsMatch(t, keys(a.Assignments), keys(b.Assignments))
	other, _, err := directory.Seed(directory.SeedOptions{TenantID: "1b0c7d5e-7c9d-4f7e-8b5a-2f7b8c9d0e1f"})
	require.NoError(t, err)
	for id := range other.Users {
		require.NotContains(t, a.Users, id)
	}
}

func keys[V any](m map[string]V) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

func TestTheDeployerHoldsWhatDeployingTakesAndNoMore(t *testing.T) {
	t.Parallel()
	s, secrets := seed(t)
	graph := s.Resource("https://graph.microsoft.com")
	require.NotNil(t, graph)
	require.Same(t, graph, s.Resource("https://localhost:8443"))
	require.Same(t, graph, s.Resource("https://localhost:8443/"))
	deployer := s.ServicePrincipalByAppID(secrets.DeployerAppID)
	require.Equal(t, []string{
		"AppRoleAssignment.ReadWrite.All", "Application.Read.All", "Application.ReadWrite.OwnedBy",
		"DelegatedPermissionGrant.ReadWrite.All", "Group.Read.All", "User.Read.All",
	}, s.RoleValues(graph, deployer.ID))
}

func TestNoSecretIsKept(t *testing.T) {
	t.Parallel()
	s, secrets := seed(t)
	require.Len(t, secrets.DeployerSecret, 40)
	raw, err := json.Marshal(s)
	require.NoError(t, err)
	require.NotContains(t, string(raw), secrets.DeployerSecret)
	credential := s.ApplicationByAppID(secrets.DeployerAppID).PasswordCredentials[0]
	require.True(t, credential.Matches(secrets.DeployerSecret))
	require.False(t, credential.Matches(secrets.DeployerSecret+"x"))
	require.False(t, credential.Matches(""))
}

func TestSecretsDifferAndCarryTheMark(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for range 200 {
		secret := directory.NewSecret()
		require.Regexp(t, `^[A-Za-z0-9._~-]{3}8Q~[A-Za-z0-9._~-]{34}$`, secret)
		require.False(t, seen[secret])
		seen[secret] = true
	}
}

func TestOnlyBobIsInTheGroup(t *testing.T) {
	t.Parallel()
	s, _ := seed(t)
	group := s.Groups[s.StableID("group/orders-team")]
	require.Equal(t, []string{s.StableID("user/bob")}, group.MemberIDs)
	require.Equal(t, "bob@contoso.onmicrosoft.com", s.Users[group.MemberIDs[0]].UserPrincipalName)
}

func TestSigningKeysRollOver(t *testing.T) {
	t.Parallel()
	s, _ := seed(t)
	require.Len(t, s.SigningKeys, 2)
	first, second := s.SigningKeys[0], s.SigningKeys[1]
	require.Same(t, first, s.SigningKey())

	require.NoError(t, directory.RollKeys(s, start.Add(time.Hour)))
	require.Same(t, second, s.SigningKey())
	require.True(t, first.Published, "tokens of the last key must still verify")
	require.Len(t, s.SigningKeys, 3)

	require.NoError(t, directory.RollKeys(s, start.Add(2*time.Hour)))
	require.NotContains(t, s.SigningKeys, first)
	require.Len(t, s.SigningKeys, 3)
	require.Equal(t, 1, count(s.SigningKeys, func(k *directory.SigningKey) bool { return k.Signing }))
}

func TestARevokedKeyLeavesTheKeySet(t *testing.T) {
	t.Parallel()
	s, _ := seed(t)
	compromised := s.SigningKey()
	require.NoError(t, directory.RevokeSigningKey(s, start))
	require.False(t, compromised.Published)
	require.False(t, compromised.Signing)
	require.True(t, s.SigningKey().Published)
	require.Equal(t, 2, count(s.SigningKeys, func(k *directory.SigningKey) bool { return k.Published }))
}

func count[T any](s []T, is func(T) bool) int {
	return len(slices.DeleteFunc(slices.Clone(s), func(v T) bool { return !is(v) }))
}

func TestASigningKeyMatchesItsCertificate(t *testing.T) {
	t.Parallel()
	key, err := directory.NewSigningKey(start)
	require.NoError(t, err)
	private, err := key.Private()
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(key.Certificate)
	require.NoError(t, err)
	require.True(t, private.PublicKey.Equal(certificate.PublicKey))
	require.Equal(t, 2048, private.N.BitLen())
	require.Equal(t, start, certificate.NotBefore)
	require.Len(t, key.KID, 27)
}
