package orphans

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventstypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
)

// ruleObjects are the stack's rules of the default event bus, and what they call.
func ruleObjects(ctx context.Context, client *eventbridge.Client, mine tagged) ([]Object, error) {
	rules, err := all(func(next *string) ([]eventstypes.Rule, *string, error) {
		page, err := client.ListRules(ctx, &eventbridge.ListRulesInput{NextToken: next})
		if err != nil {
			return nil, nil, err
		}
		return page.Rules, page.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	var objects []Object
	for _, rule := range rules {
		if rule.ManagedBy != nil {
			continue // a service of AWS made it
		}
		listed, err := client.ListTagsForResource(ctx, &eventbridge.ListTagsForResourceInput{ResourceARN: rule.Arn})
		if err != nil {
			if ignoreGone(err) == nil {
				continue
			}
			return nil, err
		}
		if !mine(tagsOf(listed.Tags, func(t eventstypes.Tag) (key, value *string) { return t.Key, t.Value })) {
			continue
		}
		name := aws.ToString(rule.Name)
		objects = append(objects, Object{
			Cloud: "aws", Type: typeRule, ID: name, Name: name, importID: name, distinct: map[string]string{"name": name},
		})
		targets, err := targetObjects(ctx, client, name)
		if err != nil {
			return nil, err
		}
		objects = append(objects, targets...)
	}
	return objects, nil
}

func targetObjects(ctx context.Context, client *eventbridge.Client, rule string) ([]Object, error) {
	targets, err := all(func(next *string) ([]eventstypes.Target, *string, error) {
		page, err := client.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: &rule, NextToken: next})
		if err != nil {
			return nil, nil, ignoreGone(err)
		}
		return page.Targets, page.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	var objects []Object
	for _, target := range targets {
		id, arn := aws.ToString(target.Id), aws.ToString(target.Arn)
		objects = append(objects, Object{
			Cloud: "aws", Type: typeTarget, ID: id, Parent: rule, Name: rule + ": " + arn, importID: rule + "/" + id,
			distinct: map[string]string{"rule": rule, "arn": arn},
		})
	}
	return objects, nil
}

// removeTarget removes one target from its rule. Refusals of single targets are
// no error of the request.
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RemoveTargets.html
func removeTarget(ctx context.Context, client *eventbridge.Client, o Object) error {
	removed, err := client.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &o.Parent, Ids: []string{o.ID}})
	if err != nil {
		return err
	}
	for _, failed := range removed.FailedEntries {
		return &smithy.GenericAPIError{Code: aws.ToString(failed.ErrorCode), Message: aws.ToString(failed.ErrorMessage)}
	}
	return nil
}
