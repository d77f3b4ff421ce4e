package review

import (
	"fmt"
	"strings"

	"github.com/entragate/entragate/access"
)

// Type tokens of the resources that findings name.
const (
	typeAPI         = "aws:apigatewayv2/api:Api"
	typeRoute       = "aws:apigatewayv2/route:Route"
	typeStage       = "aws:apigatewayv2/stage:Stage"
	typeAuthorizer  = "aws:apigatewayv2/authorizer:Authorizer"
	typeIntegration = "aws:apigatewayv2/integration:Integration"
	typeApplication = "azuread:index/application:Application"
	typePrincipal   = "azuread:index/servicePrincipal:ServicePrincipal"
	typeGrant       = "azuread:index/servicePrincipalDelegatedPermissionGrant:ServicePrincipalDelegatedPermissionGrant"
	typeAssignment  = "azuread:index/appRoleAssignment:AppRoleAssignment"
	typeSecret      = "aws:secretsmanager/secretPolicy:SecretPolicy"
	typeLogGroup    = "aws:cloudwatch/logGroup:LogGroup"
	typeAlarm       = "aws:cloudwatch/metricAlarm:MetricAlarm"
)

// Components that the URN of a resource names as its parents.
const (
	componentAPI    = "entragate:index:ApiApplication$"
	componentClient = "entragate:index:ClientApplication$"
)

// resources finds which resource Pulumi changes for a finding. Names are the
// API's and, after a dash, that of the client, route or the like.
type resources struct {
	byType  map[string][]Change
	clients map[string]bool
}

func newResources(changes []Change, before, after access.Model) resources {
	r := resources{byType: map[string][]Change{}, clients: map[string]bool{}}
	for _, change := range changes {
		r.byType[change.Type] = append(r.byType[change.Type], change)
	}
	for _, m := range []access.Model{before, after} {
		for _, c := range m.Clients {
			r.clients[c.Name] = true
		}
	}
	return r
}

// named is the URN of a changed resource whose name ends as said; the shortest
// name, since the name of one client may end in that of another.
func (r resources) named(kind, suffix string) string {
	var found Change
	for _, change := range r.byType[kind] {
		if strings.HasSuffix(change.Name, suffix) && (found.Name == "" || len(change.Name) < len(found.Name)) {
			found = change
		}
	}
	return found.URN
}

func (r resources) route(key string) string { return r.named(typeRoute, "-"+key) }

func (r resources) assignment(id string) string { return r.named(typeAssignment, "-"+id) }

func (r resources) secret(client string) string { return r.named(typeSecret, "-"+client) }

func (r resources) grant(client, value string) string {
	if urn := r.named(typeAssignment, "-"+client+"-"+value); urn != "" {
		return urn
	}
	return r.named(typeGrant, "-"+client+"-api")
}

// client is the URN of a client's application.
func (r resources) client(name string) string {
	for _, change := range r.byType[typeApplication] {
		if r.clientOf(change) == name {
			return change.URN
		}
	}
	return ""
}

// api is the URN of the API's application, principal that of its service
// principal.
func (r resources) api() string       { return r.ofAPI(typeApplication) }
func (r resources) principal() string { return r.ofAPI(typePrincipal) }

func (r resources) ofAPI(kind string) string {
	for _, change := range r.byType[kind] {
		if strings.Contains(change.URN, componentAPI) {
			return change.URN
		}
	}
	return ""
}

// clientOf is the client that an application or service principal is of, "" if
// it is none's.
func (r resources) clientOf(change Change) string {
	if change.URN != "" && !strings.Contains(change.URN, componentClient) {
		return ""
	}
	best := ""
	for name := range r.clients {
		if strings.HasSuffix(change.Name, "-"+name) && len(name) > len(best) {
			best = name
		}
	}
	return best
}

// pulumi finds what no setting tells: that resources are replaced or deleted.
func (c *comparison) pulumi() {
	for _, change := range c.changes {
		if change.Op != OpReplace && change.Op != OpDelete || c.first {
			continue
		}
		switch change.Type {
		case typeAPI:
			c.replaced("api-replaced", change, "The HTTP API %s is %s: callers know its address, which stops answering.",
				"Tokens stay good, but not where callers send them.")
		case typeApplication:
			c.applicationReplaced(change)
		case typePrincipal:
			if change.Op == OpReplace {
				c.replaced("principal-replaced", change, "The service principal %s is %s: what was granted and assigned to it is gone.",
					c.tokens.stops())
			}
		case typeLogGroup:
			c.replaced("log-removed", change, "The log group %s is %s, with all that it holds.", c.tokens.none())
		case typeAlarm:
			c.alarmRemoved(change)
		case typeStage, typeAuthorizer, typeRoute, typeIntegration:
			if change.Op == OpReplace {
				c.replaced("resource-replaced", change, "%s is %s; calls may fail for as long as that takes.", c.tokens.none())
			}
		}
	}
}

// unseenResource is why no cell shows that a resource is replaced.
const unseenResource = "the matrix says who may call, whatever it is made of"

func (c *comparison) replaced(rule string, change Change, words, tokens string) *Finding {
	how := "deleted"
	if change.Op == OpReplace {
		how = "made anew"
	}
	subject := change.Name
	if rule == "resource-replaced" || rule == "log-removed" {
		subject = change.Type[strings.LastIndex(change.Type, ":")+1:] + " " + change.Name
	}
	cause := "resource " + how
	if len(change.Keys) > 0 {
		cause += " for " + listed(change.Keys)
	}
	return c.find(Finding{
		Rule: rule, Subject: subject, Resource: change.URN, Cause: cause, Tokens: tokens,
		Words: fmt.Sprintf(words, subject, how), Unseen: unseenResource,
	})
}

// applicationReplaced judges an application that is made anew. That of a client
// which is removed is a finding already.
func (c *comparison) applicationReplaced(change Change) {
	client := c.resources.clientOf(change)
	if p, known := c.delta.clients[client]; known && p.after == nil {
		return
	}
	switch {
	case client != "":
		c.replaced("application-replaced", change, "The application %s of a client is %s: its programs know the client id.",
			"Tokens already issued are good until they expire: up to "+c.tokens.long()+". New ones are for the new client id only.")
	case strings.Contains(change.URN, componentAPI) || change.URN == "":
		c.replaced("application-replaced", change, "The application %s of the API is %s: its client id is the audience of tokens and part of what clients ask for.",
			c.tokens.refused())
	}
}

// alarmRemoved judges an alarm that goes. That of the Lambda authorizer goes with
// the last route that has roles.
func (c *comparison) alarmRemoved(change Change) {
	if change.Op != OpDelete {
		return
	}
	f := c.replaced("alarm-removed", change, "The alarm %s is %s: what it watches goes unnoticed.", c.tokens.none())
	if strings.HasSuffix(change.Name, "-authorizer") && len(c.after.Model.Policy().Routes) == 0 {
		f.Kind, f.Dangerous, f.Unseen = Neutral, false, ""
		f.Words = fmt.Sprintf("The alarm %s is deleted with the Lambda authorizer that it watches.", change.Name)
	}
}
