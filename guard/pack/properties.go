package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/entragate/entragate/guard"
)

// readProperties makes plain values of what the engine sends.
func readProperties(sent *structpb.Struct) (map[string]any, error) {
	properties, err := plugin.UnmarshalProperties(sent, plugin.MarshalOptions{
		KeepUnknowns: true, KeepSecrets: true, KeepResources: true, KeepOutputValues: true,
	})
	if err != nil {
		return nil, err
	}
	return plainMap(properties), nil
}

func plainMap(properties resource.PropertyMap) map[string]any {
	members := make(map[string]any, len(properties))
	for name, v := range properties {
		members[string(name)] = plain(v)
	}
	return members
}

// plain leaves out what no rule looks at: assets, archives and references to
// resources.
func plain(v resource.PropertyValue) any {
	switch {
	case v.IsBool():
		return v.BoolValue()
	case v.IsNumber():
		return v.NumberValue()
	case v.IsString():
		return v.StringValue()
	case v.IsArray():
		items := make([]any, 0, len(v.ArrayValue()))
		for _, item := range v.ArrayValue() {
			items = append(items, plain(item))
		}
		return items
	case v.IsObject():
		return plainMap(v.ObjectValue())
	case v.IsSecret():
		return guard.Secret{Value: plain(v.SecretValue().Element)}
	case v.IsOutput():
		return plainOutput(v.OutputValue())
	case v.IsComputed():
		return guard.Unknown{}
	}
	return nil
}

func plainOutput(o resource.Output) any {
	if !o.Known {
		return guard.Unknown{}
	}
	if o.Secret {
		return guard.Secret{Value: plain(o.Element)}
	}
	return plain(o.Element)
}
