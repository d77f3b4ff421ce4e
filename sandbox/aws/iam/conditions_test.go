package iam_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/iam"
)

func TestConditionsAreEvaluatedOnTheKeysOfTheRequest(t *testing.T) {
	t.Parallel()
	keys := iam.Keys{
		"sts:IdentityTokenAudience": {"api://AzureADTokenExchange"},
		"sts:SigningAlgorithm":      {"RS256"},
		"sts:DurationSeconds":       {"300"},
		"aws:TagKeys":               {"a", "b"},
		"none":                      {},
	}
	for name, test := range map[string]struct {
		condition string
		met       bool // so that an Allow allows
		unmet     bool // so that a Deny does not deny
	}{
		"none":                        {`{}`, true, false},
		"equal":                       {`{"StringEquals":{"sts:SigningAlgorithm":"RS256"}}`, true, false},
		"the key has no case":         {`{"StringEquals":{"STS:signingalgorithm":"RS256"}}`, true, false},
		"the value has":               {`{"StringEquals":{"sts:SigningAlgorithm":"rs256"}}`, false, true},
		"one of a list":               {`{"StringEquals":{"sts:SigningAlgorithm":["ES384","RS256"]}}`, true, false},
		"an empty list":               {`{"StringEquals":{"sts:SigningAlgorithm":[]}}`, false, true},
		"alike":                       {`{"StringLike":{"sts:IdentityTokenAudience":"api://*"}}`, true, false},
		"not alike":                   {`{"StringLike":{"sts:IdentityTokenAudience":"https://*"}}`, false, true},
		"no more than":                {`{"NumericLessThanEquals":{"sts:DurationSeconds":"300"}}`, true, false},
		"no more than, as a number":   {`{"NumericLessThanEquals":{"sts:DurationSeconds":300}}`, true, false},
		"too much":                    {`{"NumericLessThanEquals":{"sts:DurationSeconds":299}}`, false, true},
		"a limit that is none":        {`{"NumericLessThanEquals":{"sts:DurationSeconds":"soon"}}`, false, true},
		"all of the values":           {`{"ForAllValues:StringEquals":{"aws:TagKeys":["a","b","c"]}}`, true, false},
		"not all of the values":       {`{"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}}`, false, true},
		"all of no values":            {`{"ForAllValues:StringEquals":{"none":["a"]}}`, true, false},
		"any of the values":           {`{"ForAnyValue:StringEquals":{"aws:TagKeys":["b","x"]}}`, true, false},
		"none of the values":          {`{"ForAnyValue:StringEquals":{"aws:TagKeys":["x"]}}`, false, true},
		"any of no values":            {`{"ForAnyValue:StringEquals":{"none":["a"]}}`, false, true},
		"two, both met":               {`{"StringEquals":{"sts:SigningAlgorithm":"RS256"},"NumericLessThanEquals":{"sts:DurationSeconds":900}}`, true, false},
		"two, one met":                {`{"StringEquals":{"sts:SigningAlgorithm":"RS256"},"NumericLessThanEquals":{"sts:DurationSeconds":60}}`, false, true},
		"two keys, one met":           {`{"StringEquals":{"sts:SigningAlgorithm":"RS256","sts:IdentityTokenAudience":"x"}}`, false, true},
		"a key that is not known":     {`{"StringEquals":{"aws:PrincipalArn":"x"}}`, false, false},
		"an operator that is not":     {`{"DateLessThan":{"sts:DurationSeconds":"300"}}`, false, false},
		"a qualifier that is not":     {`{"ForSome:StringEquals":{"sts:SigningAlgorithm":"RS256"}}`, false, false},
		"a variable":                  {`{"StringEquals":{"sts:SigningAlgorithm":"${aws:username}"}}`, false, false},
		"unknown, and another unmet":  {`{"StringEquals":{"aws:PrincipalArn":"x","sts:SigningAlgorithm":"ES384"}}`, false, true},
		"no condition at all":         {`{"StringEquals":"RS256"}`, false, false},
		"values that are no values":   {`{"StringEquals":{"sts:SigningAlgorithm":{"a":"b"}}}`, false, true},
		"existence is not understood": {`{"StringEqualsIfExists":{"sts:SigningAlgorithm":"RS256"}}`, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := open(t, "")
			w.role(t, trust)
			statement := `"Action":"sts:GetWebIdentityToken","Resource":"*","Condition":` + test.condition + `}`
			require.NoError(t, w.put("p", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",`+statement+`]}`))
			require.Equal(t, test.met, w.service.AllowsWith(arn, "sts:GetWebIdentityToken", "*", keys))
			require.NoError(t, w.put("p", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny",`+statement+`]}`))
			require.Equal(t, test.unmet, w.service.AllowsWith(arn, "sts:GetWebIdentityToken", "*", keys))
		})
	}
}
