package orphans

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
)

// List lists what belongs to the stack in both clouds.
func List(ctx context.Context, c *clouds.Clouds, s Stack) ([]Object, error) {
	entra, err := entraObjects(ctx, c.Graph, s)
	if err != nil {
		return nil, fmt.Errorf("listing what %s/%s has in Entra: %w", s.Project, s.Name, err)
	}
	aws, err := awsObjects(ctx, c, s)
	if err != nil {
		return nil, fmt.Errorf("listing what %s/%s has in AWS: %w", s.Project, s.Name, err)
	}
	if s.GrantsExternal {
		entra = slices.DeleteFunc(entra, func(o Object) bool { return slices.Contains(granted, o.Type) })
	}
	return append(entra, aws...), nil
}

// granted is what an administrator may make in place of the stack.
var granted = []string{typeAssignment, typeGrant, typeOwner}

// goesWith are the types of what is deleted with what it is below.
var goesWith = map[string]string{
	typePolicy:       typeSecret, // which it guards until then, since that can be restored
	typeRotation:     typeSecret,
	typeTopicPolicy:  typeTopic,
	typeSubscription: typeTopic,
	typeFilter:       typeLogGroup,
}

// Delete deletes objects, in the order in which [Find] returned them. What does
// not exist any more is no error.
func Delete(ctx context.Context, c *clouds.Clouds, objects []Object) error {
	leaving, staying := map[string]bool{}, map[string]bool{}
	for _, o := range objects {
		leaving[o.key()] = true
	}
	var errs []error
	for _, o := range objects {
		if leaving[goesWith[o.Type]+" "+o.Parent] || staying[o.key()] {
			continue
		}
		if err := remove(ctx, c, o); err != nil {
			errs = append(errs, fmt.Errorf("deleting %s %s (%s): %w", o.Type, o.ID, o.Name, err))
			if o.Type == typeDashboard || o.Type == typeQuery {
				staying[typeLogGroup+" "+o.Parent] = true // without it, nothing would tell whose they are
			}
		}
	}
	return errors.Join(errs...)
}

func remove(ctx context.Context, c *clouds.Clouds, o Object) error {
	if o.Cloud == "entra" {
		return deleteEntra(ctx, c.Graph, o)
	}
	return deleteAWS(ctx, c, o)
}
