package orphans

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/entragate/entragate/components"
)

// functionObjects are the stack's functions, and who may call them.
func functionObjects(ctx context.Context, client *lambda.Client, mine tagged) ([]Object, error) {
	var objects []Object
	pages := lambda.NewListFunctionsPaginator(client, &lambda.ListFunctionsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range page.Functions {
			tags, err := client.ListTags(ctx, &lambda.ListTagsInput{Resource: f.FunctionArn})
			if err != nil {
				if ignoreGone(err) == nil {
					continue
				}
				return nil, err
			}
			if !mine(tags.Tags) {
				continue
			}
			name := aws.ToString(f.FunctionName)
			objects = append(objects, Object{
				Cloud: "aws", Type: typeFunction, ID: name, Name: name, importID: name,
				distinct: map[string]string{"name": name},
			})
			permissions, err := permissionObjects(ctx, client, name)
			if err != nil {
				return nil, err
			}
			objects = append(objects, permissions...)
		}
	}
	return objects, nil
}

// permissionObjects are the statements of a function's policy.
func permissionObjects(ctx context.Context, client *lambda.Client, function string) ([]Object, error) {
	policy, err := client.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: &function})
	if err != nil {
		return nil, ignoreGone(err)
	}
	var document struct {
		Statement []struct {
			Sid       string
			Condition struct {
				ArnLike map[string]string
			}
		}
	}
	if err := json.Unmarshal([]byte(aws.ToString(policy.Policy)), &document); err != nil {
		return nil, fmt.Errorf("reading the policy of function %s: %w", function, err)
	}
	var objects []Object
	for _, s := range document.Statement {
		source := s.Condition.ArnLike["AWS:SourceArn"]
		objects = append(objects, Object{
			Cloud: "aws", Type: typePermission, ID: s.Sid, Parent: function, Name: function + ": " + source,
			importID: function + "/" + s.Sid, distinct: map[string]string{"sourceArn": source},
		})
	}
	return objects, nil
}

// roleObjects are the roles of the stack's functions, and what they permit.
func roleObjects(ctx context.Context, client *iam.Client, mine tagged) ([]Object, error) {
	var objects []Object
	pages := iam.NewListRolesPaginator(client, &iam.ListRolesInput{PathPrefix: aws.String(components.RolePath)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.Roles {
			listed, err := client.ListRoleTags(ctx, &iam.ListRoleTagsInput{RoleName: r.RoleName})
			if err != nil {
				if ignoreGone(err) == nil {
					continue
				}
				return nil, err
			}
			if !mine(tagsOf(listed.Tags, func(t iamtypes.Tag) (key, value *string) { return t.Key, t.Value })) {
				continue
			}
			name := aws.ToString(r.RoleName)
			objects = append(objects, Object{
				Cloud: "aws", Type: typeRole, ID: name, Name: name, importID: name, distinct: map[string]string{"name": name},
			})
			policies, err := rolePolicyObjects(ctx, client, name)
			if err != nil {
				return nil, err
			}
			objects = append(objects, policies...)
		}
	}
	return objects, nil
}

func rolePolicyObjects(ctx context.Context, client *iam.Client, role string) ([]Object, error) {
	policies, err := client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: &role})
	if err != nil {
		return nil, ignoreGone(err)
	}
	var objects []Object
	for _, name := range policies.PolicyNames {
		objects = append(objects, Object{
			Cloud: "aws", Type: typeRolePolicy, ID: name, Parent: role, Name: role + ": " + name,
			importID: role + ":" + name, distinct: map[string]string{"role": role, "name": name},
		})
	}
	return objects, nil
}
