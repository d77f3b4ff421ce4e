package directory_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

func TestUsersAreFoundByIDAndName(t *testing.T) {
	t.Parallel()
	s, _ := seed(t)
	alice := s.StableID("user/alice")
	require.Equal(t, alice, s.UserByName("ALICE@contoso.onmicrosoft.com").ID)
	require.Equal(t, alice, s.UserByName(alice).ID)
	require.Nil(t, s.UserByName("alice"))
	require.Nil(t, s.UserByName(""))
}

func TestRolesReachDirectMembersOfAGroup(t *testing.T) {
	t.Parallel()
	s, _ := seed(t)
	value := "Orders.Run"
	api := s.ServicePrincipalByAppID(s.StableID("client/" + directory.OtherClientName))
	s.ApplicationByAppID(api.AppID).AppRoles = []directory.AppRole{{ID: "r", Value: &value, IsEnabled: true}}
	s.Assignments["a"] = &directory.Assignment{ID: "a", AppRoleID: "r", PrincipalID: s.StableID("group/orders-team"), ResourceID: api.ID}
	require.Equal(t, []string{value}, s.RoleValues(api, s.StableID("user/bob")))
	require.Empty(t, s.RoleValues(api, s.StableID("user/alice")))
	s.ApplicationByAppID(api.AppID).AppRoles[0].IsEnabled = false
	require.Empty(t, s.RoleValues(api, s.StableID("user/bob")), "a disabled role is in no token")
}

func TestDelegatedScopesAreThoseGrantedAndEnabled(t *testing.T) {
	t.Parallel()
	s, _ := seed(t)
	client := s.ServicePrincipalByAppID(s.StableID("client/" + directory.OtherClientName))
	api := s.ServicePrincipalByAppID(s.StableID("client/" + directory.DeployerName))
	s.ApplicationByAppID(api.AppID).API.OAuth2PermissionScopes = []directory.PermissionScope{
		{Value: "Read", IsEnabled: true}, {Value: "Write", IsEnabled: true}, {Value: "Old"},
	}
	alice := s.StableID("user/alice")
	s.Grants["all"] = &directory.Grant{ClientID: client.ID, ResourceID: api.ID, ConsentType: "AllPrincipals", Scope: "Read Old Missing"}
	s.Grants["one"] = &directory.Grant{ClientID: client.ID, ResourceID: api.ID, ConsentType: "Principal", PrincipalID: &alice, Scope: "Write"}
	require.Equal(t, []string{"Read", "Write"}, s.DelegatedScopes(client, api, alice))
	require.Equal(t, []string{"Read"}, s.DelegatedScopes(client, api, s.StableID("user/bob")))
	require.Empty(t, s.DelegatedScopes(api, client, alice))
}
