package awsbridge

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

type fields = map[string]*tfbridge.SchemaInfo

// resourceOverrides is where pulumi-aws differs from what the bridge derives from Terraform's schema.
func resourceOverrides() map[string]*tfbridge.ResourceInfo {
	return map[string]*tfbridge.ResourceInfo{
		"aws_cloudwatch_metric_alarm": {Fields: fields{
			"alarm_name": autoNamed("name", 255),
		}},
		"aws_cloudwatch_log_subscription_filter": {Fields: fields{
			"log_group_name": {Name: "logGroup"},
		}},
		"aws_lambda_function": {Fields: fields{
			"function_name": autoNamed("name", 64),
			"filename":      zipped("code"),
			"architectures": {MaxItemsOne: tfbridge.False()},
		}},
		"aws_lambda_layer_version": {Fields: fields{
			"filename": zipped("code"),
		}},
		"aws_lambda_permission": {Fields: fields{
			"function_name": {Name: "function"},
		}},
		"aws_sns_topic_subscription": {Fields: fields{
			"topic_arn": {Name: "topic"},
		}},
		"aws_route53_record": {Fields: fields{
			"name":                       {Name: "name"}, // a DNS name, so not auto-named
			"alias":                      {Name: "aliases", MaxItemsOne: tfbridge.False()},
			"cidr_routing_policy":        {MaxItemsOne: tfbridge.True()},
			"failover_routing_policy":    {Name: "failoverRoutingPolicies", MaxItemsOne: tfbridge.False()},
			"geolocation_routing_policy": {Name: "geolocationRoutingPolicies", MaxItemsOne: tfbridge.False()},
			"latency_routing_policy":     {Name: "latencyRoutingPolicies", MaxItemsOne: tfbridge.False()},
			"weighted_routing_policy":    {Name: "weightedRoutingPolicies", MaxItemsOne: tfbridge.False()},
		}},
	}
}

func autoNamed(name string, maxLength int) *tfbridge.SchemaInfo {
	return tfbridge.AutoName(name, maxLength, "-")
}

// zipped makes an archive of the path of a zip file.
func zipped(name string) *tfbridge.SchemaInfo {
	return &tfbridge.SchemaInfo{
		Name:  name,
		Asset: &tfbridge.AssetTranslation{Kind: tfbridge.FileArchive, Format: resource.ZIPArchive},
	}
}

// markTagsAllComputed makes tagsAll an output only: Terraform takes it as an input too, pulumi-aws does not.
func markTagsAllComputed(info tfbridge.ProviderInfo) {
	for tfToken, override := range info.Resources {
		schema, ok := info.P.ResourcesMap().GetOk(tfToken)
		if !ok {
			continue
		}
		if _, ok := schema.Schema().GetOk("tags_all"); !ok {
			continue
		}
		if override.Fields == nil {
			override.Fields = fields{}
		}
		override.Fields["tags_all"] = &tfbridge.SchemaInfo{MarkAsComputedOnly: tfbridge.True()}
	}
}
