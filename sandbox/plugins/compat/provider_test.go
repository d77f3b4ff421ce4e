package compat

import (
	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shim "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim"
)

// inputsOf is what a resource or function of a provider takes.
func inputsOf(schema shim.SchemaMap, infos map[string]*tfbridge.SchemaInfo) map[string]field {
	return properties(schema, infos, isInput)
}

func isInput(schema shim.Schema, info *tfbridge.SchemaInfo) bool {
	if info != nil && info.MarkAsComputedOnly != nil && *info.MarkAsComputedOnly {
		return false
	}
	return schema.Optional() || schema.Required()
}

// stateOf is all that a resource has, inputs and outputs.
func stateOf(schema shim.SchemaMap, infos map[string]*tfbridge.SchemaInfo) map[string]field {
	fields := properties(schema, infos, anyProperty)
	delete(fields, "id") // every Pulumi resource has one
	for name, f := range fields {
		f.required = false
		fields[name] = f
	}
	return fields
}

func anyProperty(shim.Schema, *tfbridge.SchemaInfo) bool { return true }

func properties(
	schema shim.SchemaMap, infos map[string]*tfbridge.SchemaInfo, want func(shim.Schema, *tfbridge.SchemaInfo) bool,
) map[string]field {
	fields := make(map[string]field)
	schema.Range(func(name string, property shim.Schema) bool {
		info := infos[name]
		if want(property, info) && property.Removed() == "" {
			fields[tfbridge.TerraformToPulumiNameV2(name, schema, infos)] = field{
				shape:    shapeOf(property, info),
				required: property.Required() && !(info != nil && info.HasDefault()),
			}
		}
		return true
	})
	return fields
}

func shapeOf(schema shim.Schema, info *tfbridge.SchemaInfo) *shape {
	if info != nil && info.Asset != nil {
		return &shape{kind: "archive"}
	}
	switch schema.Type() {
	case shim.TypeBool:
		return &shape{kind: "bool"}
	case shim.TypeInt:
		return &shape{kind: "int"}
	case shim.TypeFloat:
		return &shape{kind: "number"}
	case shim.TypeString:
		return &shape{kind: "string"}
	case shim.TypeMap:
		if _, isObject := schema.Elem().(shim.Resource); isObject {
			return elemOf(schema, info)
		}
		return &shape{kind: "map", elem: elemOf(schema, info)}
	case shim.TypeList, shim.TypeSet:
		if tfbridge.IsMaxItemsOne(schema, info) {
			return elemOf(schema, info)
		}
		return &shape{kind: "list", elem: elemOf(schema, info)}
	}
	return &shape{kind: "any"}
}

// elemOf is the shape of the elements. Types that are nested have all properties, also those that are only outputs.
func elemOf(schema shim.Schema, info *tfbridge.SchemaInfo) *shape {
	var elemInfo *tfbridge.SchemaInfo
	if info != nil {
		elemInfo = info.Elem
	}
	switch elem := schema.Elem().(type) {
	case shim.Resource:
		var infos map[string]*tfbridge.SchemaInfo
		if elemInfo != nil {
			infos = elemInfo.Fields
		}
		return &shape{kind: "object", fields: properties(elem.Schema(), infos, anyProperty)}
	case shim.Schema:
		return shapeOf(elem, elemInfo)
	}
	return &shape{kind: "string"} // as Terraform takes elements of no declared type
}
