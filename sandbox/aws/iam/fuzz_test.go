package iam

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// FuzzDocument looks for documents that are taken and allow what they do not say.
func FuzzDocument(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}`)
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","NotAction":["a:b"],"NotResource":["arn:aws:s3:::b"]}}`)
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"a:b","Resource":"*","Condition":{"ForAllValues:StringLike":{"aws:PrincipalArn":["x*",1,true]},"NumericLessThanEquals":{"sts:DurationSeconds":300}}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, check := range []func(string) error{checkPermissions, checkTrust} {
			err := check(text)
			if err != nil {
				require.IsType(t, &wire.Error{}, err)
				continue
			}
			policy, err := parse(text)
			require.NoError(t, err)
			for _, each := range policy.Statement {
				require.NotEqual(t, len(each.Action) == 0, len(each.NotAction) == 0)
				each.covers("a:b")
				each.reaches("c")
				if each.meets(nil) == met {
					require.NotContains(t, conditionKeys(each), "aws:PrincipalArn")
				}
				each.meets(Keys{"sts:DurationSeconds": {"300"}, "aws:PrincipalArn": nil})
				each.names("lambda.amazonaws.com")
			}
		}
	})
}

// conditionKeys are the keys that the conditions of a statement ask for.
func conditionKeys(s statement) []string {
	var keys []string
	for _, raw := range s.Condition {
		var conditions map[string]any
		if json.Unmarshal(raw, &conditions) == nil {
			keys = append(keys, slices.Collect(maps.Keys(conditions))...)
		}
	}
	return keys
}
