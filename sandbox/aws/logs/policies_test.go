package logs_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/stretchr/testify/require"
)

const delivery = "AWSLogDeliveryWrite20150319"

// covered are the resources that the policy of log delivery names.
func (b *bench) covered() []string {
	b.t.Helper()
	out, err := b.DescribeResourcePolicies(b.t.Context(), &cloudwatchlogs.DescribeResourcePoliciesInput{})
	require.NoError(b.t, err)
	for _, policy := range out.ResourcePolicies {
		if *policy.PolicyName != delivery {
			continue
		}
		var document struct{ Statement []struct{ Resource []string } }
		require.NoError(b.t, json.Unmarshal([]byte(*policy.PolicyDocument), &document))
		return document.Statement[0].Resource
	}
	return nil
}

func TestDeliveryIsAllowedByGroupOrOnceForVendedLogs(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for _, name := range []string{"/a", "/a", "/aws/vendedlogs/x", "/aws/vendedlogs/y", "/b"} {
		require.NoError(t, b.service.AllowDelivery(prefix+name))
	}
	require.Equal(t, []string{prefix + "/a:log-stream:*", prefix + "/aws/vendedlogs/*:log-stream:*", prefix + "/b:log-stream:*"}, b.covered())
	require.Error(t, b.service.AllowDelivery("arn:aws:sns:x"))
}

func TestThePolicyOfDeliveryFillsUp(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	var err error
	count := 0
	for ; err == nil && count < 1000; count++ {
		err = b.service.AllowDelivery(prefix + fmt.Sprintf("/aws/apigateway/orders-%d", count))
	}
	require.EqualError(t, err, "Cannot enable logging. Policy document length breaking Cloudwatch Logs Constraints, either < 1 or > 5120")
	require.Len(t, b.covered(), count-1)
	require.NoError(t, b.service.AllowDelivery(prefix+"/aws/apigateway/orders-0"), "what is covered stays so")
}

func TestDeliveryNeedsAPolicyOfItsOwn(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for i := range 10 {
		_, err := b.PutResourcePolicy(t.Context(), &cloudwatchlogs.PutResourcePolicyInput{PolicyName: aws.String(fmt.Sprint(i)), PolicyDocument: aws.String("{}")})
		require.NoError(t, err)
	}
	require.EqualError(t, b.service.AllowDelivery(prefix+"/a"), "Cannot enable logging. Resource limit exceeded.")
	_, err := b.PutResourcePolicy(t.Context(), &cloudwatchlogs.PutResourcePolicyInput{PolicyName: aws.String("10"), PolicyDocument: aws.String("{}")})
	var limit *types.LimitExceededException
	require.ErrorAs(t, err, &limit)
	_, err = b.DeleteResourcePolicy(t.Context(), &cloudwatchlogs.DeleteResourcePolicyInput{PolicyName: aws.String("3")})
	require.NoError(t, err)
	require.NoError(t, b.service.AllowDelivery(prefix+"/a"))
}

func TestAPolicyOfAnotherFormIsNotTouched(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	_, err := b.PutResourcePolicy(t.Context(), &cloudwatchlogs.PutResourcePolicyInput{PolicyName: aws.String(delivery), PolicyDocument: aws.String("[]")})
	require.NoError(t, err)
	require.EqualError(t, b.service.AllowDelivery(prefix+"/a"), "Insufficient permissions to enable logging")
}

func TestPoliciesThatAreRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t, "")
	for want, in := range map[string]*cloudwatchlogs.PutResourcePolicyInput{
		"name is required": {PolicyDocument: aws.String("{}")},
		"< 1 or > 5120":    {PolicyName: aws.String("p"), PolicyDocument: aws.String(`"` + strings.Repeat("x", 5120) + `"`)},
		"either < 1":       {PolicyName: aws.String("p")},
		"not valid JSON":   {PolicyName: aws.String("p"), PolicyDocument: aws.String("{")},
	} {
		_, err := b.PutResourcePolicy(t.Context(), in)
		invalid(t, err, want)
	}
	_, err := b.DeleteResourcePolicy(t.Context(), &cloudwatchlogs.DeleteResourcePolicyInput{PolicyName: aws.String("absent")})
	missing(t, err, "absent")
}
