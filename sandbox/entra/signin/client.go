package signin

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// client is an application in a tenant. Its parts belong to the directory and
// may be read only inside the View that found them.
type client struct {
	app *directory.Application
	sp  *directory.ServicePrincipal
}

// multiTenant tells whether an application may be used from other tenants.
func multiTenant(a *directory.Application) bool {
	return a.SignInAudience == "AzureADMultipleOrgs" || a.SignInAudience == "AzureADandPersonalMicrosoftAccount"
}

// clientOf finds a client in a tenant. It needs a service principal there; its
// registration may be elsewhere, see [Server.registrationElsewhere].
func clientOf(st *directory.State, appID string, elsewhere *directory.Application) (client, *Error) {
	c := client{app: st.ApplicationByAppID(appID), sp: st.ServicePrincipalByAppID(appID)}
	if c.app == nil && c.sp != nil {
		c.app = elsewhere
	}
	switch {
	case c.app == nil:
		return client{}, unknownClient(appID, st.Tenant.DisplayName)
	case c.sp == nil:
		return client{}, refuse(7000229, "The client application %s is missing service principal in the tenant %s. See instructions here: https://go.microsoft.com/fwlink/?linkid=2225119", appID, st.Tenant.ID)
	case !c.sp.AccountEnabled:
		return client{}, refuse(7000112, "Application '%s'(%s) is disabled.", c.app.AppID, c.app.DisplayName)
	}
	return c, nil
}

// sameApp compares client ids, which are GUIDs.
func sameApp(a, b string) bool { return strings.EqualFold(a, b) }

func unknownClient(appID, tenant string) *Error {
	return refuse(700016, "Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.", appID, tenant)
}

// registrationElsewhere is a copy of a multi-tenant registration of another
// tenant than tenantID, or nil. Call it outside any View, since Views of two
// directories that wait for each other would never end.
func (s *Server) registrationElsewhere(tenantID, appID string) *directory.Application {
	for _, t := range s.tenants {
		if t.id == tenantID {
			continue
		}
		var copied *directory.Application
		t.dir.View(func(st *directory.State) {
			if a := st.ApplicationByAppID(appID); a != nil && multiTenant(a) {
				copied = clone(a)
			}
		})
		if copied != nil {
			return copied
		}
	}
	return nil
}

// clone copies a registration, so that it may be used outside its View.
func clone(a *directory.Application) *directory.Application {
	raw, err := json.Marshal(a)
	if err != nil {
		return nil
	}
	var copied directory.Application
	if json.Unmarshal(raw, &copied) != nil {
		return nil
	}
	return &copied
}

// registration finds an application that may be used in a realm, as a copy.
func (s *Server) registration(at realm, appID string) (*directory.Application, *Error) {
	if at.tenant != nil {
		elsewhere := s.registrationElsewhere(at.tenant.id, appID)
		var found *directory.Application
		at.tenant.dir.View(func(st *directory.State) {
			if a := st.ApplicationByAppID(appID); a != nil {
				found = clone(a)
			} else if st.ServicePrincipalByAppID(appID) != nil {
				found = elsewhere
			}
		})
		if found == nil {
			return nil, unknownClient(appID, at.tenant.id)
		}
		return found, nil
	}
	for _, t := range s.tenants {
		var found *directory.Application
		t.dir.View(func(st *directory.State) {
			if a := st.ApplicationByAppID(appID); a != nil {
				found = clone(a)
			}
		})
		switch {
		case found == nil:
		case !multiTenant(found):
			return nil, refuse(50194, "Application '%s'(%s) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such applications created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.", found.AppID, found.DisplayName)
		default:
			return found, nil
		}
	}
	return nil, unknownClient(appID, "Microsoft Accounts")
}

// userMay checks that a user may sign in to a client and use a resource.
func userMay(st *directory.State, c client, resource *directory.ServicePrincipal, userID string) (*directory.User, *Error) {
	u := st.Users[userID]
	if u == nil {
		return nil, refuse(50034, "The user account %s does not exist in the %s directory. To sign into this application, the account must be added to the directory.", userID, st.Tenant.DisplayName)
	}
	if !u.AccountEnabled {
		return nil, refuse(50057, "The user account is disabled.")
	}
	for _, p := range []*directory.ServicePrincipal{c.sp, resource} {
		if p.AppRoleAssignmentRequired && len(st.AssignmentsTo(p, userID)) == 0 {
			return nil, refuse(50105, "Your administrator has configured the application %s ('%s') to block users unless they are specifically granted ('assigned') access to the application. The signed in user '%s' is blocked because they are not a direct member of a group with access, nor had access directly assigned by an administrator. Please contact your administrator to assign access to this application.", p.DisplayName, p.AppID, u.UserPrincipalName)
		}
	}
	return u, nil
}

// groupsOf are the groups that an application asks to have named in its tokens.
// Of groupMembershipClaims only the values that mean security groups are known
// here, and all groups here are security groups.
func groupsOf(st *directory.State, app *directory.Application, userID string) []string {
	if app == nil || app.GroupMembershipClaims == nil {
		return nil
	}
	kinds := strings.FieldsFunc(*app.GroupMembershipClaims, func(r rune) bool { return r == ',' || r == ' ' })
	if !slices.Contains(kinds, "SecurityGroup") && !slices.Contains(kinds, "All") {
		return nil
	}
	var ids []string
	for _, g := range st.Groups {
		if slices.Contains(g.MemberIDs, userID) {
			ids = append(ids, g.ID)
		}
	}
	slices.Sort(ids)
	return ids
}
