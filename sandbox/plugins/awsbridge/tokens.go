package awsbridge

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge/info"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
)

// A family is the Terraform names that begin alike, which pulumi-aws puts in one module.
type family struct{ prefix, module, rename string }

// families are tried in order: the more special ones first.
var families = []family{
	{"aws_cloudwatch_event_", "cloudwatch", "Event"},
	{"aws_cloudwatch_log_", "cloudwatch", "Log"},
	{"aws_cloudwatch_", "cloudwatch", ""},
	{"aws_acm_", "acm", ""},
	{"aws_apigatewayv2_", "apigatewayv2", ""},
	{"aws_iam_", "iam", ""},
	{"aws_kms_", "kms", ""},
	{"aws_lambda_", "lambda", ""},
	{"aws_route53_", "route53", ""},
	{"aws_secretsmanager_", "secretsmanager", ""},
	{"aws_sns_", "sns", ""},
	{"aws_sqs_", "sqs", ""},
	{"aws_", "index", ""},
}

// irregular are the resources that pulumi-aws does not name after Terraform's.
var irregular = map[string]string{
	"aws_iam_openid_connect_provider":      "OpenIdConnectProvider",
	"aws_iam_user_ssh_key":                 "SshKey",
	"aws_route53_hosted_zone_dnssec":       "HostedZoneDnsSec",
	"aws_sns_topic_data_protection_policy": "DataProtectionPolicy",
	"aws_sqs_queue_redrive_allow_policy":   "RedriveAllowPolicy",
	"aws_sqs_queue_redrive_policy":         "RedrivePolicy",
}

// irregularFunctions are the same for functions, without their get.
var irregularFunctions = map[string]string{
	"aws_iam_openid_connect_provider": "OpenIdConnectProvider",
	"aws_kms_ciphertext":              "CipherText",
}

func strategy() tfbridge.Strategy {
	return tfbridge.Strategy{
		Resource: func(tfToken string, resource *info.Resource) error {
			module, name := pulumiName(tfToken, irregular)
			resource.Tok = tokens.Type(token(module, name))
			return nil
		},
		DataSource: func(tfToken string, source *info.DataSource) error {
			module, name := pulumiName(tfToken, irregularFunctions)
			source.Tok = tokens.ModuleMember(token(module, "get"+name))
			return nil
		},
	}
}

// token is `aws:apigatewayv2/route:Route` for module apigatewayv2 and name Route.
func token(module, name string) string {
	return fmt.Sprintf("aws:%s/%s%s:%s", module, strings.ToLower(name[:1]), name[1:], name)
}

// pulumiName splits a Terraform name into module and name.
func pulumiName(tfToken string, exceptions map[string]string) (module, name string) {
	i := slices.IndexFunc(families, func(f family) bool { return strings.HasPrefix(tfToken, f.prefix) })
	f := families[i] // the last one fits everything
	if name, ok := exceptions[tfToken]; ok {
		return f.module, name
	}
	name = f.rename
	for word := range strings.SplitSeq(strings.TrimPrefix(tfToken, f.prefix), "_") {
		name += strings.ToUpper(word[:1]) + word[1:]
	}
	return f.module, name
}
