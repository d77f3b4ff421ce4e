package components

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// guard keeps a protected API from being deleted. The protected ids alone do
// not: everything depends on them, so Pulumi deletes them last, and where a
// preview is skipped all the rest is gone by the time that they stop it. This
// resource depends on what else would go first, so its own deletion is tried,
// and refused, before. It is there without protection too: what is in no
// program cannot be unprotected.
//
// It depends on resources, not on components: the SDK expands a component to
// those children that it has got to, which are not always all.
func guard(ctx *pulumi.Context, name string, protect bool, last []pulumi.Resource, child pulumi.ResourceOption) error {
	_, err := random.NewRandomUuid(ctx, name+"-guard", &random.RandomUuidArgs{}, child,
		pulumi.DependsOn(last), pulumi.Protect(protect))
	return err
}

// retireFirst refuses an update that takes a scope or role away while it is
// enabled. Protecting its id is not enough by itself: Pulumi deletes after it
// updates, so where a preview is skipped Entra would have lost the scope by the
// time that the protected id stops the update.
func retireFirst(ctx *pulumi.Context, name string, protect bool) (pulumi.ResourceOption, error) {
	// The mock monitor of Pulumi's own unit tests panics on hooks.
	if !protect || ctx.RunningWithMocks() {
		return pulumi.ResourceHooks(nil), nil
	}
	hook, err := ctx.RegisterResourceHook(name+"-retire-first", func(args *pulumi.ResourceHookArgs) error {
		return removedWhileActive(args.OldInputs, args.NewInputs)
	}, &pulumi.ResourceHookOptions{OnDryRun: true})
	if err != nil {
		return nil, err
	}
	return pulumi.ResourceHooks(&pulumi.ResourceHookBinding{BeforeUpdate: []*pulumi.ResourceHook{hook}}), nil
}

// removedWhileActive is the judgement, apart from the plumbing: which enabled
// scopes and roles of an application the new inputs no longer have.
func removedWhileActive(before, after resource.PropertyMap) error {
	has := permissionValues(after)
	var removed []string
	for value, enabled := range permissionValues(before) {
		if _, kept := has[value]; enabled && !kept {
			removed = append(removed, value)
		}
	}
	if len(removed) == 0 {
		return nil
	}
	slices.Sort(removed)
	return fmt.Errorf("%s: cannot be removed while active in a protected stack, want its state \"retired\" first: "+
		"tokens that carry it live on for about an hour, up to a day under a token lifetime policy",
		strings.Join(removed, ", "))
}

// permissionValues maps the values of an application's scopes and roles to
// whether they are enabled, as they are unless they say otherwise.
func permissionValues(application resource.PropertyMap) map[string]bool {
	values := map[string]bool{}
	add := func(list resource.PropertyValue) {
		if !list.IsArray() {
			return
		}
		for _, item := range list.ArrayValue() {
			if !item.IsObject() {
				continue
			}
			value, enabled := item.ObjectValue()["value"], item.ObjectValue()["enabled"]
			if value.IsString() && value.StringValue() != "" {
				values[value.StringValue()] = !enabled.IsBool() || enabled.BoolValue()
			}
		}
	}
	if api := application["api"]; api.IsObject() {
		add(api.ObjectValue()["oauth2PermissionScopes"])
	}
	add(application["appRoles"])
	return values
}
