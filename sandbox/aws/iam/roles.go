package iam

import (
	"cmp"
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/entragate/entragate/sandbox/aws/tagging"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

type roleAnswer struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               time.Time
	AssumeRolePolicyDocument string    // escaped as in a URL
	Description              string    `xml:",omitempty"`
	MaxSessionDuration       int       `xml:",omitempty"`
	Tags                     []tag     `xml:"Tags>member,omitempty"`
	RoleLastUsed             *struct{} `xml:",omitempty"`
}

type tag struct{ Key, Value string }

type roleOutput struct{ Role roleAnswer }

type rolesOutput struct {
	Roles []roleAnswer `xml:"Roles>member"`
	page
}

type tagsOutput struct {
	Tags []tag `xml:"Tags>member"`
	page
}

func (s *Service) answer(role *Role) roleAnswer {
	return roleAnswer{
		Path: role.Path, RoleName: role.Name, RoleID: role.ID, Arn: s.ARN(role), CreateDate: role.Created,
		AssumeRolePolicyDocument: escape(role.Trust), Description: role.Description,
		MaxSessionDuration: role.MaxSessionDuration, Tags: tagList(role.Tags), RoleLastUsed: &struct{}{},
	}
}

func tagList(tags map[string]string) []tag {
	var all []tag
	for key, value := range tags {
		all = append(all, tag{key, value})
	}
	slices.SortFunc(all, func(a, b tag) int { return cmp.Compare(a.Key, b.Key) })
	return all
}

// escape brings a policy document to the form that answers have (RFC 3986).
func escape(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

func (s *Service) createRole(in url.Values) (any, error) {
	if in.Has("PermissionsBoundary") {
		return nil, wire.NotImplemented("PermissionsBoundary")
	}
	role := &Role{
		ID: newID("AROA"), Name: in.Get("RoleName"), Path: cmp.Or(in.Get("Path"), "/"), Description: in.Get("Description"),
		Trust: in.Get("AssumeRolePolicyDocument"), Created: s.Now().UTC().Truncate(time.Second), Inline: map[string]string{},
	}
	if err := checkName("roleName", role.Name, maxRoleName); err != nil {
		return nil, err
	}
	if len(role.Path) > 512 || !rolePath.MatchString(role.Path) {
		return nil, invalid("The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	if err := checkDescription(role.Description); err != nil {
		return nil, err
	}
	var err error
	if role.MaxSessionDuration, err = sessionDuration(in, minSession); err != nil {
		return nil, err
	}
	if err := checkTrust(role.Trust); err != nil {
		return nil, err
	}
	tags, err := tagsOf(in)
	if err != nil {
		return nil, err
	}
	if role.Tags, err = tagging.Merge(nil, tags); err != nil {
		return nil, refusal(http.StatusBadRequest, "InvalidInput", "%v", err)
	}
	answer := s.answer(role)
	return roleOutput{answer}, s.state.Update(func(all *State) error {
		for existing := range all.Roles {
			if strings.EqualFold(existing, role.Name) { // names are unique without case
				return refusal(http.StatusConflict, "EntityAlreadyExists", "Role with name %s already exists.", role.Name)
			}
		}
		all.Roles[role.Name] = role
		return nil
	})
}

// newID returns an identifier with a prefix that tells its kind, see
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids.
func newID(prefix string) string { return prefix + rand.Text()[:17] }

func (s *Service) getRole(in url.Values) (any, error) {
	var out roleOutput
	err := s.view(in, func(role *Role) error {
		out.Role = s.answer(role)
		return nil
	})
	return out, err
}

func (s *Service) listRoles(in url.Values) (any, error) {
	prefix := cmp.Or(in.Get("PathPrefix"), "/")
	var roles []roleAnswer
	s.state.View(func(all *State) {
		for _, role := range all.Roles {
			if strings.HasPrefix(role.Path, prefix) {
				answer := s.answer(role)
				// Listings leave these out, see the vendor's page of ListRoles.
				answer.Tags, answer.RoleLastUsed = nil, nil
				roles = append(roles, answer)
			}
		}
	})
	var out rolesOutput
	var err error
	out.Roles, out.page, err = paged(in, roles, func(r roleAnswer) string { return r.RoleName })
	return out, err
}

func (s *Service) updateRole(in url.Values) (any, error) {
	if err := checkDescription(in.Get("Description")); err != nil {
		return nil, err
	}
	seconds, err := sessionDuration(in, minSession)
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.change(in, func(role *Role) error {
		if in.Has("Description") {
			role.Description = in.Get("Description")
		}
		role.MaxSessionDuration = seconds
		return nil
	})
}

func (s *Service) updateRoleDescription(in url.Values) (any, error) {
	if err := checkDescription(in.Get("Description")); err != nil {
		return nil, err
	}
	var out roleOutput
	err := s.change(in, func(role *Role) error {
		role.Description = in.Get("Description")
		out.Role = s.answer(role)
		return nil
	})
	return out, err
}

func (s *Service) updateAssumeRolePolicy(in url.Values) (any, error) {
	document := in.Get("PolicyDocument")
	if err := checkTrust(document); err != nil {
		return nil, err
	}
	return nil, s.change(in, func(role *Role) error {
		role.Trust = document
		return nil
	})
}

func (s *Service) deleteRole(in url.Values) (any, error) {
	name := in.Get("RoleName")
	if err := checkName("roleName", name, maxRoleName); err != nil {
		return nil, err
	}
	return nil, s.state.Update(func(all *State) error {
		role := all.Roles[name]
		switch {
		case role == nil:
			return noRole(name)
		case len(role.Attached) > 0:
			return refusal(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
		case len(role.Inline) > 0:
			return refusal(http.StatusConflict, "DeleteConflict", "Cannot delete entity, must delete policies first.")
		}
		delete(all.Roles, name)
		return nil
	})
}

type instanceProfilesOutput struct {
	InstanceProfiles struct{}
	page
}

// listInstanceProfiles answers that a role has none, which providers ask before
// they delete it.
func (s *Service) listInstanceProfiles(in url.Values) (any, error) {
	return instanceProfilesOutput{}, s.view(in, func(*Role) error { return nil })
}

func (s *Service) tagRole(in url.Values) (any, error) {
	add, err := tagsOf(in)
	if err != nil {
		return nil, err
	}
	return nil, s.change(in, func(role *Role) error {
		merged, err := tagging.Merge(role.Tags, add)
		if err != nil {
			return refusal(http.StatusBadRequest, "InvalidInput", "%v", err)
		}
		role.Tags = merged
		return nil
	})
}

func (s *Service) untagRole(in url.Values) (any, error) {
	return nil, s.change(in, func(role *Role) error {
		left := maps.Clone(role.Tags)
		for _, key := range list(in, "TagKeys") {
			delete(left, key)
		}
		role.Tags = left
		return nil
	})
}

func (s *Service) listRoleTags(in url.Values) (any, error) {
	var tags []tag
	err := s.view(in, func(role *Role) error {
		tags = tagList(role.Tags)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var out tagsOutput
	out.Tags, out.page, err = paged(in, tags, func(t tag) string { return t.Key })
	return out, err
}
