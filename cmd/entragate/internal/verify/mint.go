package verify

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/control"
	"github.com/entragate/entragate/sandbox/entra"
)

// noRole is in no catalogue, and noScope neither: they end in a slash, which
// names there may, but who would.
const (
	noRole  = "entragate.probe/"
	noScope = "entragate.probe/"
)

// liveScopes are those that new tokens of a client carry. A user's token without
// any is none, so one that nobody asks for stands for them.
func (s *Sandbox) liveScopes(clientName string) []string {
	var live []string
	for _, c := range s.target.Model.Clients {
		for _, scope := range s.target.Model.Scopes {
			if c.Name == clientName && !scope.Retired() && slices.Contains(c.Scopes, scope.Value) {
				live = append(live, scope.Value)
			}
		}
	}
	if len(live) == 0 {
		return []string{noScope}
	}
	return live
}

// mint has the control surface make a token that no flow gives. Wrong ones carry
// every scope of the API and would be let through, were it not for the one thing
// that is wrong with them.
func (s *Sandbox) mint(ctx context.Context, kind access.CallerKind, clientName string) (Token, error) {
	q := entra.TokenRequest{
		Tenant: s.settings.TenantID, Client: s.target.Clients[clientName], User: Assigned, Resource: s.target.Audience,
	}
	for _, scope := range s.target.Model.Scopes {
		q.Scopes = append(q.Scopes, scope.Value)
	}
	if q.Client == "" {
		q.Client = s.unrelated().id
	}
	switch kind {
	case access.CallerOtherTenant:
		q.Tenant, q.User, q.Client = s.settings.OtherTenantID, otherTenantUser, uuid.NewString()
	case access.CallerV1Token:
		q.Version = 1
	case access.CallerExpired:
		q.IssuedAt, q.Lifetime = "-3h", "1h"
	case access.CallerUserWithRoles:
		q.Scopes, q.Roles = s.liveScopes(clientName), nil
		for _, role := range s.target.Model.Roles {
			q.Roles = append(q.Roles, role.Value)
		}
	case access.CallerWrongRole:
		q.User, q.Scopes, q.Roles = "", nil, []string{noRole}
	}
	var answer entra.TokenAnswer
	if err := control.Call(ctx, s.entra.http, s.settings, "/token", q, &answer); err != nil {
		return Token{}, err
	}
	return Token{Access: answer.Token}, nil
}
