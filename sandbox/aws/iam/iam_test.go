package iam_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	iamsdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/iam"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

const (
	account = "123456789012"
	trust   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	arn     = "arn:aws:iam::123456789012:role/r"
)

// world is IAM with a real client.
type world struct {
	*iamsdk.Client
	service *iam.Service
	now     time.Time
}

func open(t *testing.T, path string) *world {
	t.Helper()
	w := &world{now: time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)}
	service, err := iam.New(iam.Options{Account: account, Path: path, Now: func() time.Time { return w.now }, Issuer: issuer})
	require.NoError(t, err)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set(wire.RequestIDHeader, "the-request")
		service.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.service = service
	w.Client = iamsdk.NewFromConfig(sdk.Config{
		Region: "us-east-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider("a", "b", ""),
	})
	return w
}

func requireCode(t *testing.T, err error, code, text string) {
	t.Helper()
	var refusal smithy.APIError
	require.ErrorAs(t, err, &refusal)
	require.Equal(t, code, refusal.ErrorCode(), refusal.ErrorMessage())
	require.Contains(t, refusal.ErrorMessage(), text)
}

var r = sdk.String("r")

// issuer is that of the account's web identity tokens.
const issuer = "https://sts.example/id"

// role makes the role r.
func (w *world) role(t *testing.T, trust string) {
	t.Helper()
	_, err := w.CreateRole(t.Context(), &iamsdk.CreateRoleInput{RoleName: r, AssumeRolePolicyDocument: &trust})
	require.NoError(t, err)
}

func (w *world) put(name, document string) error {
	_, err := w.PutRolePolicy(context(), &iamsdk.PutRolePolicyInput{RoleName: r, PolicyName: &name, PolicyDocument: &document})
	return err
}

func TestARoleIsAsItWasMade(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "iam.json")
	w := open(t, path)
	made, err := w.CreateRole(t.Context(), &iamsdk.CreateRoleInput{
		RoleName: r, AssumeRolePolicyDocument: sdk.String(trust), Path: sdk.String("/team/a/"), Description: sdk.String("d & e"),
		MaxSessionDuration: sdk.Int32(7200), Tags: []types.Tag{{Key: sdk.String("k"), Value: sdk.String("v")}},
	})
	require.NoError(t, err)
	require.Equal(t, "arn:aws:iam::123456789012:role/team/a/r", *made.Role.Arn)
	require.Regexp(t, `^AROA[A-Z0-9]{17}$`, *made.Role.RoleId)

	again := open(t, path)
	got, err := again.GetRole(t.Context(), &iamsdk.GetRoleInput{RoleName: r})
	require.NoError(t, err)
	require.Equal(t, w.now, *got.Role.CreateDate)
	require.Equal(t, "d & e", *got.Role.Description)
	require.EqualValues(t, 7200, *got.Role.MaxSessionDuration)
	require.Len(t, got.Role.Tags, 1)
	require.NotContains(t, *got.Role.AssumeRolePolicyDocument, "+")
	document, err := url.PathUnescape(*got.Role.AssumeRolePolicyDocument)
	require.NoError(t, err)
	require.Equal(t, trust, document)
	profiles, err := again.ListInstanceProfilesForRole(t.Context(), &iamsdk.ListInstanceProfilesForRoleInput{RoleName: r})
	require.NoError(t, err)
	require.Empty(t, profiles.InstanceProfiles)

	_, err = again.UpdateRole(t.Context(), &iamsdk.UpdateRoleInput{RoleName: r, Description: sdk.String("")})
	require.NoError(t, err)
	described, err := again.UpdateRoleDescription(t.Context(), &iamsdk.UpdateRoleDescriptionInput{RoleName: r, Description: sdk.String("new")})
	require.NoError(t, err)
	require.Equal(t, "new", *described.Role.Description)
	require.EqualValues(t, 3600, *described.Role.MaxSessionDuration, "what UpdateRole is not given is the default")
}

func TestRolesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t, trust)
	statement := func(body string) string { return `{"Version":"2012-10-17","Statement":[{` + body + `}]}` }
	const allow, lambda, assume = `"Effect":"Allow"`, `"Principal":{"Service":"lambda.amazonaws.com"}`, `"Action":"sts:AssumeRole"`
	policy := func(text string) func(*iamsdk.CreateRoleInput) {
		return func(in *iamsdk.CreateRoleInput) { in.AssumeRolePolicyDocument = &text }
	}
	for name, test := range map[string]struct {
		change     func(*iamsdk.CreateRoleInput)
		code, text string
	}{
		"exists":               {func(in *iamsdk.CreateRoleInput) { in.RoleName = r }, "EntityAlreadyExists", "Role with name r already exists."},
		"exists in other case": {func(in *iamsdk.CreateRoleInput) { in.RoleName = sdk.String("R") }, "EntityAlreadyExists", ""},
		"name":                 {func(in *iamsdk.CreateRoleInput) { in.RoleName = sdk.String("a/b") }, "ValidationError", "roleName"},
		"long name":            {func(in *iamsdk.CreateRoleInput) { in.RoleName = sdk.String(strings.Repeat("a", 65)) }, "ValidationError", "roleName"},
		"path":                 {func(in *iamsdk.CreateRoleInput) { in.Path = sdk.String("team") }, "ValidationError", "path"},
		"description":          {func(in *iamsdk.CreateRoleInput) { in.Description = sdk.String(strings.Repeat("d", 1001)) }, "ValidationError", "description"},
		"short sessions":       {func(in *iamsdk.CreateRoleInput) { in.MaxSessionDuration = sdk.Int32(3599) }, "ValidationError", "maxSessionDuration"},
		"long sessions":        {func(in *iamsdk.CreateRoleInput) { in.MaxSessionDuration = sdk.Int32(43201) }, "ValidationError", "maxSessionDuration"},
		"boundary": {func(in *iamsdk.CreateRoleInput) {
			in.PermissionsBoundary = sdk.String("arn:aws:iam::aws:policy/ReadOnlyAccess")
		}, "NotImplemented", "PermissionsBoundary"},
		"tag of AWS": {func(in *iamsdk.CreateRoleInput) {
			in.Tags = []types.Tag{{Key: sdk.String("aws:a"), Value: sdk.String("b")}}
		}, "InvalidInput", "reserved"},
		"tag twice": {func(in *iamsdk.CreateRoleInput) {
			tag := types.Tag{Key: sdk.String("a"), Value: sdk.String("b")}
			in.Tags = []types.Tag{tag, tag}
		}, "InvalidInput", "Duplicate tag keys"},
		"not JSON":              {policy(`{`), "MalformedPolicyDocument", "This policy contains invalid Json"},
		"no version":            {policy(`{"Statement":[{` + allow + `,` + lambda + `,` + assume + `}]}`), "MalformedPolicyDocument", "version 2012-10-17"},
		"no statement":          {policy(`{"Version":"2012-10-17"}`), "MalformedPolicyDocument", "Syntax errors"},
		"empty statements":      {policy(`{"Version":"2012-10-17","Statement":[]}`), "MalformedPolicyDocument", "Syntax errors"},
		"unknown member":        {policy(statement(allow + `,` + lambda + `,` + assume + `,"Wenn":{}`)), "MalformedPolicyDocument", "Syntax errors"},
		"effect":                {policy(statement(`"Effect":"Permit",` + lambda + `,` + assume)), "MalformedPolicyDocument", "Syntax errors"},
		"no action":             {policy(statement(allow + `,` + lambda)), "MalformedPolicyDocument", "must contain actions"},
		"action without vendor": {policy(statement(allow + `,` + lambda + `,"Action":"AssumeRole"`)), "MalformedPolicyDocument", "prefaced by a vendor"},
		"other action":          {policy(statement(allow + `,` + lambda + `,"Action":"s3:GetObject"`)), "MalformedPolicyDocument", "may only specify STS AssumeRole actions"},
		"no principal":          {policy(statement(allow + `,` + assume)), "MalformedPolicyDocument", "must contain principals"},
		"empty principal":       {policy(statement(allow + `,"Principal":{},` + assume)), "MalformedPolicyDocument", "must contain principals"},
		"kind of principal":     {policy(statement(allow + `,"Principal":{"Robot":"x"},` + assume)), "MalformedPolicyDocument", "Syntax errors"},
		"unknown service":       {policy(statement(allow + `,"Principal":{"Service":"lambda"},` + assume)), "MalformedPolicyDocument", `Invalid principal in policy: "SERVICE":"lambda"`},
		"resource":              {policy(statement(allow + `,` + lambda + `,` + assume + `,"Resource":"*"`)), "MalformedPolicyDocument", "Has prohibited field Resource"},
		"same id twice":         {policy(`{"Version":"2012-10-17","Statement":[{"Sid":"a",` + allow + `,` + lambda + `,` + assume + `},{"Sid":"a",` + allow + `,` + lambda + `,` + assume + `}]}`), "MalformedPolicyDocument", "must be unique"},
		"too long":              {policy(statement(`"Sid":"` + strings.Repeat("a", 2048) + `",` + allow + `,` + lambda + `,` + assume)), "LimitExceeded", "ACLSizePerRole: 2048"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := &iamsdk.CreateRoleInput{RoleName: sdk.String("new"), AssumeRolePolicyDocument: sdk.String(trust)}
			test.change(in)
			_, err := w.CreateRole(t.Context(), in)
			requireCode(t, err, test.code, test.text)
		})
	}
	_, err := w.UpdateAssumeRolePolicy(t.Context(), &iamsdk.UpdateAssumeRolePolicyInput{RoleName: r, PolicyDocument: sdk.String("{")})
	requireCode(t, err, "MalformedPolicyDocument", "")
	_, err = w.GetRole(t.Context(), &iamsdk.GetRoleInput{RoleName: sdk.String("absent")})
	var missing *types.NoSuchEntityException
	require.ErrorAs(t, err, &missing)
	requireCode(t, err, "NoSuchEntity", "The role with name absent cannot be found.")
	_, err = w.ListUsers(t.Context(), &iamsdk.ListUsersInput{})
	requireCode(t, err, "NotImplemented", "IAM action ListUsers")
}

func TestInlinePoliciesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t, trust)
	statement := func(body string) string {
		return `{"Version":"2012-10-17","Statement":{"Effect":"Allow",` + body + `}}`
	}
	long := statement(`"Sid":"` + strings.Repeat("a", 6000) + `","Action":"*","Resource":"*"`)
	require.NoError(t, w.put("first", long))
	for name, test := range map[string]struct{ name, document, code, text string }{
		"name":              {"a b", statement(`"Action":"*","Resource":"*"`), "ValidationError", "policyName"},
		"principal":         {"p", statement(`"Principal":"*","Action":"*","Resource":"*"`), "MalformedPolicyDocument", "should not specify a principal"},
		"no resource":       {"p", statement(`"Action":"*"`), "MalformedPolicyDocument", "must contain resources"},
		"both resources":    {"p", statement(`"Action":"*","Resource":"*","NotResource":"*"`), "MalformedPolicyDocument", "must contain resources"},
		"both actions":      {"p", statement(`"Action":"*","NotAction":"*","Resource":"*"`), "MalformedPolicyDocument", "must contain actions"},
		"resource no ARN":   {"p", statement(`"Action":"*","Resource":"bucket"`), "MalformedPolicyDocument", `Resource bucket must be in ARN format or "*".`},
		"number for a text": {"p", statement(`"Action":1,"Resource":"*"`), "MalformedPolicyDocument", "Syntax errors"},
		"too much together": {"p", long, "LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role r"},
	} {
		t.Run(name, func(t *testing.T) {
			requireCode(t, w.put(test.name, test.document), test.code, test.text)
		})
	}
	require.NoError(t, w.put("first", long), "in place of the same")
	_, err := w.GetRolePolicy(t.Context(), &iamsdk.GetRolePolicyInput{RoleName: r, PolicyName: sdk.String("p")})
	requireCode(t, err, "NoSuchEntity", "The role policy with name p cannot be found.")
	_, err = w.DeleteRolePolicy(t.Context(), &iamsdk.DeleteRolePolicyInput{RoleName: r, PolicyName: sdk.String("p")})
	requireCode(t, err, "NoSuchEntity", "")
}

func TestARoleWithPoliciesIsNotDeleted(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t, trust)
	document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	require.NoError(t, w.put("p", document))
	got, err := w.GetRolePolicy(t.Context(), &iamsdk.GetRolePolicyInput{RoleName: r, PolicyName: sdk.String("p")})
	require.NoError(t, err)
	plain, err := url.PathUnescape(*got.PolicyDocument)
	require.NoError(t, err)
	require.Equal(t, document, plain)
	managed := sdk.String("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")
	for range 2 {
		_, err = w.AttachRolePolicy(t.Context(), &iamsdk.AttachRolePolicyInput{RoleName: r, PolicyArn: managed})
		require.NoError(t, err)
	}
	attached, err := w.ListAttachedRolePolicies(t.Context(), &iamsdk.ListAttachedRolePoliciesInput{RoleName: r})
	require.NoError(t, err)
	require.Len(t, attached.AttachedPolicies, 1)
	require.Equal(t, "AWSLambdaBasicExecutionRole", *attached.AttachedPolicies[0].PolicyName)
	names, err := w.ListRolePolicies(t.Context(), &iamsdk.ListRolePoliciesInput{RoleName: r})
	require.NoError(t, err)
	require.Equal(t, []string{"p"}, names.PolicyNames)

	remove := func() error {
		_, err := w.DeleteRole(t.Context(), &iamsdk.DeleteRoleInput{RoleName: r})
		return err
	}
	requireCode(t, remove(), "DeleteConflict", "must detach all policies first")
	_, err = w.DetachRolePolicy(t.Context(), &iamsdk.DetachRolePolicyInput{RoleName: r, PolicyArn: managed})
	require.NoError(t, err)
	_, err = w.DetachRolePolicy(t.Context(), &iamsdk.DetachRolePolicyInput{RoleName: r, PolicyArn: managed})
	requireCode(t, err, "NoSuchEntity", "was not found")
	requireCode(t, remove(), "DeleteConflict", "must delete policies first")
	_, err = w.DeleteRolePolicy(t.Context(), &iamsdk.DeleteRolePolicyInput{RoleName: r, PolicyName: sdk.String("p")})
	require.NoError(t, err)
	require.NoError(t, remove())
	requireCode(t, remove(), "NoSuchEntity", "")

	w.role(t, trust)
	_, err = w.AttachRolePolicy(t.Context(), &iamsdk.AttachRolePolicyInput{RoleName: r, PolicyArn: sdk.String("arn:aws:iam::123456789012:policy/mine")})
	requireCode(t, err, "NoSuchEntity", "does not exist or is not attachable")
	_, err = w.AttachRolePolicy(t.Context(), &iamsdk.AttachRolePolicyInput{RoleName: r, PolicyArn: sdk.String("AWSLambdaBasicExecutionRole")})
	requireCode(t, err, "InvalidInput", "is not valid")
	for i := range 11 {
		_, err = w.AttachRolePolicy(t.Context(), &iamsdk.AttachRolePolicyInput{RoleName: r, PolicyArn: sdk.String("arn:aws:iam::aws:policy/P" + string(rune('a'+i)))})
	}
	requireCode(t, err, "LimitExceeded", "PoliciesPerRole: 10")
}

func TestListsComeInPages(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	for _, name := range []string{"b", "c", "a"} {
		_, err := w.CreateRole(t.Context(), &iamsdk.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: sdk.String(trust), Path: sdk.String("/" + name + "/")})
		require.NoError(t, err)
	}
	var names []string
	pages := iamsdk.NewListRolesPaginator(w, &iamsdk.ListRolesInput{MaxItems: sdk.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, role := range page.Roles {
			names = append(names, *role.RoleName)
		}
	}
	require.Equal(t, []string{"a", "b", "c"}, names)
	below, err := w.ListRoles(t.Context(), &iamsdk.ListRolesInput{PathPrefix: sdk.String("/b")})
	require.NoError(t, err)
	require.Len(t, below.Roles, 1)
	_, err = w.ListRoles(t.Context(), &iamsdk.ListRolesInput{MaxItems: sdk.Int32(1001)})
	requireCode(t, err, "ValidationError", "maxItems")
	_, err = w.ListRoles(t.Context(), &iamsdk.ListRolesInput{Marker: sdk.String("?")})
	requireCode(t, err, "ValidationError", "Marker")
}

func TestTagsOfRoles(t *testing.T) {
	t.Parallel()
	w := open(t, "")
	w.role(t, trust)
	_, err := w.TagRole(t.Context(), &iamsdk.TagRoleInput{RoleName: r, Tags: []types.Tag{{Key: sdk.String("a"), Value: sdk.String("1")}, {Key: sdk.String("b"), Value: sdk.String("2")}}})
	require.NoError(t, err)
	_, err = w.UntagRole(t.Context(), &iamsdk.UntagRoleInput{RoleName: r, TagKeys: []string{"a", "absent"}})
	require.NoError(t, err)
	tags, err := w.ListRoleTags(t.Context(), &iamsdk.ListRoleTagsInput{RoleName: r})
	require.NoError(t, err)
	require.Len(t, tags.Tags, 1)
	require.Equal(t, "b", *tags.Tags[0].Key)
	_, err = w.TagRole(t.Context(), &iamsdk.TagRoleInput{RoleName: r, Tags: []types.Tag{{Key: sdk.String("aws:a"), Value: sdk.String("1")}}})
	requireCode(t, err, "InvalidInput", "reserved")
	_, err = w.ListRoleTags(t.Context(), &iamsdk.ListRoleTagsInput{RoleName: sdk.String("absent")})
	requireCode(t, err, "NoSuchEntity", "")
}
