package stacks

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi-azuread/sdk/v5/go/azuread"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
)

// checkCaller compares the credentials that the azuread provider really has,
// wherever they come from, with what the configuration says of them.
func checkCaller(ctx *pulumi.Context, cfg Config) error {
	caller, err := azuread.GetClientConfig(ctx)
	if err != nil {
		return fmt.Errorf("asking the azuread provider who deploys: %w", err)
	}
	warning, err := cfg.judgeCaller(caller.TenantId, caller.ObjectId)
	if err != nil || warning == "" {
		return err
	}
	return ctx.Log.Warn(warning, nil)
}

// judgeCaller is the judgement, apart from the plumbing. Another tenant is an
// error. Another deployer is a warning: an administrator may stand in.
func (c Config) judgeCaller(tenantID, objectID string) (warning string, err error) {
	if !strings.EqualFold(tenantID, c.TenantID) {
		return "", access.Problem{
			Path: c.project + ":tenantId",
			Message: "the azuread provider has credentials of another tenant, " +
				"where the applications would be out of reach of callers",
			Got: c.TenantID, Want: fmt.Sprintf("%q", tenantID),
		}
	}
	owners := append([]string{c.Deployer}, c.Owners...)
	if slices.ContainsFunc(owners, func(id string) bool { return strings.EqualFold(id, objectID) }) {
		return "", nil
	}
	return fmt.Sprintf("%s:deployer: whoever deploys now, %s, will not own the applications: "+
		"with Application.ReadWrite.OwnedBy it could not change them again", c.project, objectID), nil
}
