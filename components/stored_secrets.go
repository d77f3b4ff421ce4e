package components

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
)

// storedSecrets are the secrets of a protected API's clients, with what rotates
// them. It is nil where no client has one.
type storedSecrets struct {
	name    string
	args    *ProtectedApiArgs
	rotator *Rotator
	key     pulumi.StringInput
	arns    pulumi.StringArray
	tags    map[string]string
	child   pulumi.ResourceOrInvokeOption
}

// RotatorName is the rotator among the clients, whose names it is none of. It
// follows the API's name in that of the rotator.
const RotatorName = "rotator"

// secretsSuffix follows the API's name in that of the key of secrets.
const secretsSuffix = "secrets"

// newStoredSecrets makes the key and the rotator.
func newStoredSecrets(ctx *pulumi.Context, name string, args *ProtectedApiArgs, watch watch, tags map[string]string,
	child pulumi.ResourceOrInvokeOption,
) (*storedSecrets, error) {
	clients := secretClients(args.Clients, args.Credentials.OutboundIssuer)
	if len(clients) == 0 {
		return nil, nil
	}
	s := &storedSecrets{name: name + "-" + RotatorName, args: args, tags: tags, child: child}
	var err error
	if s.key, err = newKey(ctx, name+"-"+secretsSuffix, args.Credentials, readersOf(clients), tags, child); err != nil {
		return nil, err
	}
	s.rotator, err = NewRotator(ctx, s.name, &RotatorArgs{
		Tenant:           args.Tenant,
		DisplayName:      args.rotatorDisplayName(),
		Owners:           args.owners(),
		Credentials:      args.Credentials,
		KeyARN:           s.key,
		Grants:           args.Grants,
		Architecture:     args.Architecture,
		AlarmTopic:       watch.topic,
		LogRetentionDays: args.AccessLog.retention(),
		LogKeyARN:        watch.keys.logs,
		Tags:             tags,
	}, child)
	if err != nil {
		return nil, err
	}
	if args.Credentials.OutboundIssuer == "" {
		s.arns = append(s.arns, s.rotator.SecretARN) // its own is looked at with the rest
	}
	return s, nil
}

// readersOf are who may read any of the clients' secrets.
func readersOf(clients []access.Client) pulumi.StringArray {
	readers := pulumi.StringArray{}
	seen := map[string]bool{}
	for _, c := range clients {
		if c.Credential == nil {
			continue
		}
		for _, reader := range c.Credential.Readers {
			if !seen[reader] {
				seen[reader] = true
				readers = append(readers, pulumi.String(reader))
			}
		}
	}
	return readers
}

func (s *storedSecrets) rotatorOf() *Rotator {
	if s == nil {
		return nil
	}
	return s.rotator
}

// store makes the secret of a client.
func (s *storedSecrets) store(ctx *pulumi.Context, name string, c access.Client, client *ClientApplication, api *ApiApplication,
) (*StoredCredential, error) {
	args := &StoredCredentialArgs{
		ClientID:    client.ClientID,
		Tenant:      s.args.Tenant,
		Scope:       pulumi.Sprintf("api://%s/.default", api.ClientID),
		Rotator:     s.rotator,
		Credentials: s.args.Credentials,
		KeyARN:      s.key,
		Ready:       client.last,
		Tags:        s.tags,
	}
	if c.Credential != nil {
		args.Readers = c.Credential.Readers
	}
	stored, err := NewStoredCredential(ctx, name, args, s.child)
	if err != nil {
		return nil, err
	}
	s.arns = append(s.arns, stored.SecretARN)
	return stored, nil
}

// check has the rotator look at the secrets every day. It returns what nothing
// else depends on, for the guard.
func (s *storedSecrets) check(ctx *pulumi.Context) ([]pulumi.Resource, error) {
	if s == nil {
		return nil, nil
	}
	check, err := s.rotator.newDailyCheck(ctx, s.name, s.arns, s.tags, s.child)
	return append(s.rotator.last, check), err
}

// declare adds the rotator to what is declared of clients.
func (s *storedSecrets) declare(credentials pulumi.StringMapMap) {
	if s == nil {
		return
	}
	declared := pulumi.StringMap{"kind": pulumi.String(access.CredentialFederated), "clientId": s.rotator.ClientID}
	if s.args.Credentials.OutboundIssuer == "" {
		declared["kind"], declared["secretArn"] = pulumi.String(access.CredentialSecret), s.rotator.SecretARN
	}
	credentials[RotatorName] = declared
}

// rotatorDisplayName is what Entra shows of the rotator.
func (args *ProtectedApiArgs) rotatorDisplayName() string {
	return args.DisplayName + " " + RotatorName
}

// ourTags are the keys of the tags that are added to those of the arguments.
func (args *ProtectedApiArgs) ourTags() []string {
	ours := []string{TagProject, TagStack}
	if len(secretClients(args.Clients, args.Credentials.OutboundIssuer)) > 0 {
		ours = append(ours, secretTags...)
	}
	return ours
}

// rotation checks the names of what the rotation of secrets makes, of a component
// of that name. No client has them even where no client has a secret: it would
// have to be renamed once one has.
func (p *problems) rotation(name string, args *ProtectedApiArgs) {
	rotates := len(secretClients(args.Clients, args.Credentials.OutboundIssuer)) > 0
	if rotates {
		p.functionName("name", name+"-"+RotatorName)
	}
	if rotates && !p.has("displayName") {
		p.displayName("displayName", args.rotatorDisplayName())
	}
	for i, c := range args.Clients {
		path := fmt.Sprintf("clients[%d]", i)
		switch {
		case c.Name == RotatorName || c.Name == secretsSuffix:
			p.add(path+".name", "name that the rotation of secrets takes for its own", c.Name, "another name")
		case rotates && !p.has(path+".displayName") && strings.EqualFold(args.clientDisplayName(c), args.rotatorDisplayName()):
			p.add(path+".displayName", "name is shown twice", args.clientDisplayName(c), "another name than the rotator's")
		}
	}
}
