package components

import (
	"maps"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Tags that [ProtectedApi] puts on everything it creates, so that what an
// interrupted run left behind can be found.
const (
	// TagProject holds the Pulumi project.
	TagProject = "entragate:project"
	// TagStack holds the Pulumi stack.
	TagStack = "entragate:stack"
)

// EntraTag is the form of a tag on an Entra application or service principal,
// which know no keys: "key=value".
func EntraTag(key, value string) string { return key + "=" + value }

// withStackTags adds the project and the stack to the tags.
func withStackTags(ctx *pulumi.Context, tags map[string]string) map[string]string {
	all := map[string]string{}
	maps.Copy(all, tags)
	all[TagProject], all[TagStack] = ctx.Project(), ctx.Stack()
	return all
}

// entraTags returns the tags in the form of Entra, sorted.
func entraTags(tags map[string]string) pulumi.StringArrayInput {
	if len(tags) == 0 {
		return nil
	}
	var result pulumi.StringArray
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		result = append(result, pulumi.String(EntraTag(key, tags[key])))
	}
	return result
}

// awsTags returns the tags in the form of AWS.
func awsTags(tags map[string]string) pulumi.StringMapInput {
	if len(tags) == 0 {
		return nil
	}
	return pulumi.ToStringMap(tags)
}
