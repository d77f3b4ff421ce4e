package graph

import (
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

var users = entity{
	kind:       "user",
	set:        "users",
	filterable: []string{"id", "userPrincipalName", "displayName", "mail", "mailNickname", "accountEnabled"},
	sample:     func(*call) map[string]any { return renderUser(&directory.User{}) },
}

var groups = entity{
	kind:       "group",
	set:        "groups",
	filterable: []string{"id", "displayName", "mailNickname", "mailEnabled", "securityEnabled"},
	sample:     func(*call) map[string]any { return renderGroup(&directory.Group{}) },
}

func renderUser(u *directory.User) map[string]any {
	m := toMap(u)
	fillAbsent(m, []string{
		"mail", "mailNickname", "createdDateTime", "deletedDateTime", "givenName", "surname", "jobTitle",
		"mobilePhone", "officeLocation", "preferredLanguage",
	})
	m["businessPhones"] = []string{}
	m["userType"] = "Member"
	return m
}

func renderGroup(g *directory.Group) map[string]any {
	m := toMap(g)
	delete(m, "memberIds")
	fillAbsent(m, []string{"description", "mailNickname", "createdDateTime", "deletedDateTime", "mail", "isAssignableToRole", "visibility"})
	m["groupTypes"] = []string{}
	m["mailEnabled"] = false
	m["securityEnabled"] = true
	return m
}

func (c *call) listUsers() (answer, error) {
	objects := make([]map[string]any, 0, len(c.state.Users))
	for _, u := range c.state.Users {
		if c.visible(u.CreatedDateTime) {
			objects = append(objects, renderUser(u))
		}
	}
	return c.collection(users, objects)
}

// user finds the user that the path names, by object id or principal name.
func (c *call) user() (*directory.User, error) {
	u := c.state.UserByName(c.params["id"])
	if u == nil || !c.visible(u.CreatedDateTime) {
		return nil, notFound(c.params["id"])
	}
	return u, nil
}

func (c *call) getUser() (answer, error) {
	u, err := c.user()
	if err != nil {
		return answer{}, err
	}
	return c.entityAnswer(users, renderUser(u))
}

// getMe is the signed-in user.
func (c *call) getMe() (answer, error) {
	c.params["id"] = c.caller.ObjectID
	return c.getUser()
}

// userRequest is the body of a new user. The sandbox asks no passwords, so the
// profile is checked and dropped.
type userRequest struct {
	AccountEnabled    *bool  `json:"accountEnabled"`
	DisplayName       string `json:"displayName"`
	Mail              string `json:"mail"`
	MailNickname      string `json:"mailNickname"`
	UserPrincipalName string `json:"userPrincipalName"`
	PasswordProfile   *struct {
		ForceChangePasswordNextSignIn        *bool  `json:"forceChangePasswordNextSignIn"`
		ForceChangePasswordNextSignInWithMfa *bool  `json:"forceChangePasswordNextSignInWithMfa"`
		Password                             string `json:"password"`
	} `json:"passwordProfile"`
}

// createUser adds a user of a verified domain.
// https://learn.microsoft.com/graph/api/user-post-users
func (c *call) createUser() (answer, error) {
	r, err := decodeBody[userRequest](c, "User")
	if err != nil {
		return answer{}, err
	}
	for name, missing := range map[string]bool{
		"accountEnabled": r.AccountEnabled == nil, "displayName": r.DisplayName == "", "mailNickname": r.MailNickname == "",
		"userPrincipalName": r.UserPrincipalName == "", "passwordProfile": r.PasswordProfile == nil || r.PasswordProfile.Password == "",
	} {
		if missing {
			return answer{}, requiredProperty(name, "User")
		}
	}
	alias, domain, found := strings.Cut(r.UserPrincipalName, "@")
	if !found || alias == "" || !c.verifiedDomain(domain) {
		return answer{}, badRequest("The domain portion of the userPrincipalName property is invalid. You must use one of the verified domain names in your organization.")
	}
	if c.state.UserByName(r.UserPrincipalName) != nil {
		return answer{}, &Error{
			Status: http.StatusBadRequest, Code: "Request_BadRequest", Target: "userPrincipalName",
			Message: "Another object with the same value for property userPrincipalName already exists.",
		}
	}
	u := &directory.User{
		ID: newID(), UserPrincipalName: r.UserPrincipalName, DisplayName: r.DisplayName, Mail: r.Mail,
		MailNickname: r.MailNickname, AccountEnabled: *r.AccountEnabled, CreatedDateTime: c.now,
	}
	if c.state.Users == nil {
		c.state.Users = map[string]*directory.User{}
	}
	c.state.Users[u.ID] = u
	return c.created(users, renderUser(u)), nil
}

// deleteUser removes a user at once: the sandbox keeps no deleted users.
func (c *call) deleteUser() (answer, error) {
	u, err := c.user()
	if err != nil {
		return answer{}, err
	}
	c.forget(u.ID)
	delete(c.state.Users, u.ID)
	return noContent, nil
}

func (c *call) listGroups() (answer, error) {
	objects := make([]map[string]any, 0, len(c.state.Groups))
	for _, g := range c.state.Groups {
		if c.visible(g.CreatedDateTime) {
			objects = append(objects, renderGroup(g))
		}
	}
	return c.collection(groups, objects)
}

func (c *call) group() (*directory.Group, error) {
	g := c.state.Groups[strings.ToLower(c.params["id"])]
	if g == nil || !c.visible(g.CreatedDateTime) {
		return nil, notFound(c.params["id"])
	}
	return g, nil
}

func (c *call) getGroup() (answer, error) {
	g, err := c.group()
	if err != nil {
		return answer{}, err
	}
	return c.entityAnswer(groups, renderGroup(g))
}

// groupRequest is the body of a new group.
type groupRequest struct {
	DisplayName     string   `json:"displayName"`
	Description     *string  `json:"description"`
	GroupTypes      []string `json:"groupTypes"`
	MailEnabled     *bool    `json:"mailEnabled"`
	MailNickname    string   `json:"mailNickname"`
	SecurityEnabled *bool    `json:"securityEnabled"`
}

// nickname has no space and none of the characters that Graph names.
var nickname = regexp.MustCompile(`^[^\s@()\\\[\]";:<>,]{1,64}$`)

// createGroup adds a security group; others are not implemented.
// https://learn.microsoft.com/graph/api/group-post-groups
func (c *call) createGroup() (answer, error) {
	r, err := decodeBody[groupRequest](c, "Group")
	if err != nil {
		return answer{}, err
	}
	switch {
	case r.DisplayName == "":
		return answer{}, requiredProperty("displayName", "Group")
	case r.MailEnabled == nil:
		return answer{}, requiredProperty("mailEnabled", "Group")
	case r.SecurityEnabled == nil:
		return answer{}, requiredProperty("securityEnabled", "Group")
	case !nickname.MatchString(r.MailNickname):
		return answer{}, invalidProperty("mailNickname", "Group")
	case *r.MailEnabled || !*r.SecurityEnabled || len(r.GroupTypes) > 0:
		return answer{}, notImplemented("groups other than security groups")
	}
	members, err := c.boundObjects("members@odata.bind", c.mayJoin)
	if err != nil {
		return answer{}, err
	}
	g := &directory.Group{
		ID: newID(), DisplayName: r.DisplayName, Description: r.Description, MailNickname: r.MailNickname,
		CreatedDateTime: c.now, MemberIDs: members,
	}
	if c.state.Groups == nil {
		c.state.Groups = map[string]*directory.Group{}
	}
	c.state.Groups[g.ID] = g
	return c.created(groups, renderGroup(g)), nil
}

func (c *call) deleteGroup() (answer, error) {
	g, err := c.group()
	if err != nil {
		return answer{}, err
	}
	c.forget(g.ID)
	delete(c.state.Groups, g.ID)
	return noContent, nil
}

// mayJoin: users, groups and service principals may be members of a group.
func (c *call) mayJoin(id string) bool {
	kind, _, _ := c.assignee(id)
	return kind != ""
}

func (c *call) listMembers() (answer, error) {
	g, err := c.group()
	if err != nil {
		return answer{}, err
	}
	return c.objects(g.MemberIDs)
}

func (c *call) getMember() (answer, error) {
	g, err := c.group()
	if err != nil {
		return answer{}, err
	}
	return c.referenceAnswer(g.MemberIDs, c.params["member"])
}

func (c *call) addMember() (answer, error) {
	g, err := c.group()
	if err != nil {
		return answer{}, err
	}
	return c.addReference(&g.MemberIDs, "members", func(id string) bool { return id != g.ID && c.mayJoin(id) })
}

func (c *call) removeMember() (answer, error) {
	g, err := c.group()
	if err != nil {
		return answer{}, err
	}
	if !slices.Contains(g.MemberIDs, strings.ToLower(c.params["member"])) {
		return answer{}, notFound(c.params["member"])
	}
	return removeReference(&g.MemberIDs, c.params["member"], "members")
}
