// Package orphans finds what a stack left in the clouds that its state does not
// know. Pulumi only warns about a create that was cut off, so what it created
// would stay for ever, and the next run would create it again.
package orphans

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/entragate/entragate/cmd/entragate/internal/engine"
)

// Object is something that exists in a cloud and belongs to a stack: it carries
// the stack's tags, or it is below something that does.
type Object struct {
	// Cloud is "entra" or "aws".
	Cloud string `json:"cloud"`
	// Type is the Pulumi type, such as "aws:apigatewayv2/route:Route".
	Type string `json:"type"`
	// ID is the vendor's id.
	ID string `json:"id"`
	// Parent is the vendor's id of what the object is below; empty for one
	// that carries the tags itself.
	Parent string `json:"parent,omitempty"`
	// Name is how people know it.
	Name string `json:"name"`
	// distinct are those input properties that tell objects of one type apart,
	// as a pending create in the state would have them.
	distinct map[string]string
	// importID is what `pulumi import` takes for it.
	importID string
}

// The types that a stack creates in a cloud, in the order in which they can be
// deleted.
const (
	typeAssignment   = "azuread:index/appRoleAssignment:AppRoleAssignment"
	typeGrant        = "azuread:index/servicePrincipalDelegatedPermissionGrant:ServicePrincipalDelegatedPermissionGrant"
	typeURI          = "azuread:index/applicationIdentifierUri:ApplicationIdentifierUri"
	typeOwner        = "azuread:index/applicationOwner:ApplicationOwner"
	typeFederation   = "azuread:index/applicationFederatedIdentityCredential:ApplicationFederatedIdentityCredential"
	typeCertificate  = "azuread:index/applicationCertificate:ApplicationCertificate"
	typePrincipal    = "azuread:index/servicePrincipal:ServicePrincipal"
	typeApplication  = "azuread:index/application:Application"
	typeStage        = "aws:apigatewayv2/stage:Stage"
	typeRoute        = "aws:apigatewayv2/route:Route"
	typeIntegration  = "aws:apigatewayv2/integration:Integration"
	typeAuthorizer   = "aws:apigatewayv2/authorizer:Authorizer"
	typeAPI          = "aws:apigatewayv2/api:Api"
	typeTarget       = "aws:cloudwatch/eventTarget:EventTarget"
	typeRule         = "aws:cloudwatch/eventRule:EventRule"
	typeRotation     = "aws:secretsmanager/secretRotation:SecretRotation"
	typePolicy       = "aws:secretsmanager/secretPolicy:SecretPolicy"
	typeSecret       = "aws:secretsmanager/secret:Secret"
	typePermission   = "aws:lambda/permission:Permission"
	typeFunction     = "aws:lambda/function:Function"
	typeRolePolicy   = "aws:iam/rolePolicy:RolePolicy"
	typeRole         = "aws:iam/role:Role"
	typeAlarm        = "aws:cloudwatch/metricAlarm:MetricAlarm"
	typeSubscription = "aws:sns/topicSubscription:TopicSubscription"
	typeTopicPolicy  = "aws:sns/topicPolicy:TopicPolicy"
	typeTopic        = "aws:sns/topic:Topic"
	typeDashboard    = "aws:cloudwatch/dashboard:Dashboard"
	typeQuery        = "aws:cloudwatch/queryDefinition:QueryDefinition"
	typeFilter       = "aws:cloudwatch/logMetricFilter:LogMetricFilter"
	typeLogGroup     = "aws:cloudwatch/logGroup:LogGroup"
	typeKey          = "aws:kms/key:Key"
)

var deletionOrder = []string{
	typeAssignment, typeGrant, typeURI, typeOwner, typeFederation, typeCertificate, typePrincipal, typeApplication,
	typeStage, typeRoute, typeIntegration, typeAuthorizer, typeAPI,
	typeTarget, typeRule, typeRotation, typePolicy, typeSecret,
	typePermission, typeFunction, typeRolePolicy, typeRole,
	typeAlarm, typeSubscription, typeTopicPolicy, typeTopic, typeDashboard, typeQuery, typeFilter, typeLogGroup, typeKey,
}

// Find returns the objects that the state does not know, in an order in which
// they can be deleted.
func Find(objects []Object, known []engine.Resource) []Object {
	keys := map[string]bool{}
	for _, r := range known {
		keys[key(r)] = true
	}
	unknown := slices.DeleteFunc(append([]Object{}, objects...), func(o Object) bool { return keys[o.key()] })
	slices.SortStableFunc(unknown, func(a, b Object) int {
		return cmp.Compare(slices.Index(deletionOrder, a.Type), slices.Index(deletionOrder, b.Type))
	})
	return unknown
}

// Rotations separates the rotations of secrets from all others.
func Rotations(objects []Object) (rotations, others []Object) {
	for _, o := range objects {
		if o.Type == typeRotation {
			rotations = append(rotations, o)
		} else {
			others = append(others, o)
		}
	}
	return rotations, others
}

// Gone returns the URNs of resources of the state that stand for nothing any
// more: their deletion was cut off after the cloud had done it. Types that are
// not looked for in the clouds are not among them.
func Gone(objects []Object, known []engine.Resource) []string {
	keys := map[string]bool{}
	for _, o := range objects {
		keys[o.key()] = true
	}
	var gone []string
	for _, r := range known {
		if slices.Contains(deletionOrder, r.Type) && !keys[key(r)] {
			gone = append(gone, string(r.URN))
		}
	}
	return gone
}

// key tells objects of all types apart.
func (o Object) key() string {
	switch o.Type {
	case typeStage, typeURI, typeOwner, typeRolePolicy, typeTarget, typeFilter: // an id that is a name, which another parent may have too
		return o.Type + " " + o.Parent + " " + o.ID
	default:
		return o.Type + " " + o.ID
	}
}

// key is the key of the object that a resource stands for. Ids of the azuread
// provider may be paths, such as "/applications/<object id>" or
// "<resource id>/appRoleAssignment/<id>".
func key(r engine.Resource) string {
	o := Object{Type: r.Type, ID: r.ID}
	switch {
	case r.Type == typeStage:
		o.Parent, _ = r.Outputs["apiId"].(string)
	case r.Type == typeURI:
		application, _ := r.Outputs["applicationId"].(string)
		o.Parent = path.Base(application)
		o.ID, _ = r.Outputs["identifierUri"].(string)
	case r.Type == typeOwner: // "/applications/<application>/owners/<owner>"
		application, _ := r.Outputs["applicationId"].(string)
		o.Parent, o.ID = path.Base(application), path.Base(r.ID)
	case r.Type == typeRolePolicy:
		o.Parent, o.ID, _ = strings.Cut(r.ID, ":") // "<role>:<policy>"
	case r.Type == typeTarget: // "<rule>-<target>", and both may have hyphens
		o.Parent, _ = r.Outputs["rule"].(string)
		o.ID, _ = r.Outputs["targetId"].(string)
	case r.Type == typeFilter:
		o.Parent, _ = r.Outputs["logGroupName"].(string)
	case strings.HasPrefix(r.Type, "azuread:"):
		o.ID = path.Base(r.ID)
	}
	return o.key()
}

// Adoptable pairs orphans with the pending creates that made them: the id to
// import, by URN. An orphan that no pending create, or more than one, may have
// made is not among them.
func Adoptable(found []Object, pending []engine.Operation) map[string]string {
	ids := map[string]string{}
	taken := map[string]int{}
	for _, o := range found {
		var makers []string
		for _, p := range pending {
			if p.Type == apitype.OperationTypeCreating && o.matches(p.Resource) {
				makers = append(makers, string(p.Resource.URN))
			}
		}
		for _, urn := range makers {
			taken[urn] += len(makers) // more than one if it is not sure
			ids[urn] = o.importID
		}
	}
	for urn, n := range taken {
		if n > 1 {
			delete(ids, urn)
		}
	}
	return ids
}

// matches tells whether the object is what creating the resource would make.
func (o Object) matches(r engine.Resource) bool {
	if o.Type != r.Type || o.importID == "" {
		return false
	}
	for name, value := range o.distinct {
		if wanted, ok := r.Inputs[name].(string); !ok || wanted != value {
			return false
		}
	}
	return true
}

// AdoptedBy tells whether the object is among those that [Adoptable] paired. An
// id alone does not tell: a secret, its policy and its rotation share one.
func (o Object) AdoptedBy(ids map[string]string) bool {
	for urn, id := range ids {
		if o.importID == id && o.Type == string(resource.URN(urn).Type()) {
			return true
		}
	}
	return false
}
