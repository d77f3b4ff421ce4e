package components

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/iam"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/lambda"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/secretsmanager"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/issuer"
)

// storedType is in every URN: changing it replaces everything below.
const storedType = "entragate:index:StoredCredential"

// StoredCredential is the secret of a client in AWS Secrets Manager. The rotator
// makes it and replaces it; no value passes through the Pulumi program or its
// state.
//
// The secret is JSON with all that an application needs: clientId, tenantId,
// authority, scope, clientSecret, keyId and expiresAt.
type StoredCredential struct {
	pulumi.ResourceState

	// SecretARN names the secret.
	SecretARN pulumi.StringOutput `pulumi:"secretArn"`

	// What nothing else here depends on, for the guard.
	last []pulumi.Resource
}

// StoredCredentialArgs configures a [StoredCredential].
type StoredCredentialArgs struct {
	// ClientID is that of the client whose secret it is. The rotator must own it.
	ClientID pulumi.StringInput `pulumi:"clientId"`
	// Tenant is where the client signs in.
	Tenant issuer.Tenant `pulumi:"tenant"`
	// Scope is what the client asks for, such as "api://<client id>/.default".
	Scope pulumi.StringInput `pulumi:"scope"`
	// Readers are the ARNs of the roles and users that may read the secret,
	// beside the rotator. A policy of the secret denies it to everybody else of
	// the account, administrators included.
	Readers []string `pulumi:"readers,optional"`
	// Rotator rotates it.
	Rotator *Rotator `pulumi:"rotator"`
	// Credentials say how often it is rotated, and how it is kept.
	Credentials Credentials `pulumi:"credentials,optional"`
	// KeyARN is the customer-managed key that encrypts it. Default: AWS's own.
	KeyARN pulumi.StringInput
	// secret is the secret if it is there already: that of the rotator itself, which
	// must know it. Whoever deploys writes its first value.
	secret *secretsmanager.Secret
	// Ready is what must be there before it can be rotated.
	Ready []pulumi.Resource
	// Tags are those of the secret, beside [TagClientID] and the like.
	Tags map[string]string `pulumi:"tags,optional"`
}

// Tags of a stored secret, by which the rotator knows whose it is before there
// is any value.
const (
	TagClientID  = "entragate:clientId"
	TagTenantID  = "entragate:tenantId"
	TagAuthority = "entragate:authority"
	TagScope     = "entragate:scope"
)

// secretTags are those tags.
var secretTags = []string{TagClientID, TagTenantID, TagAuthority, TagScope}

// NewStoredCredential creates the secret, and has it rotated: for the first time
// at once, by Secrets Manager and not by this program, which does not wait for it.
func NewStoredCredential(ctx *pulumi.Context, name string, args *StoredCredentialArgs, opts ...pulumi.ResourceOption,
) (*StoredCredential, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("stored credential %q: %w", name, err)
	}
	stored := &StoredCredential{}
	if err := ctx.RegisterComponentResourceV2(storedType, name, pulumi.Map{"clientId": args.ClientID}, stored, opts...); err != nil {
		return nil, err
	}
	child := pulumi.Parent(stored)

	secret := args.secret
	if secret == nil {
		var err error
		if secret, err = newSecret(ctx, name, args, child); err != nil {
			return nil, err
		}
	}
	policy, err := secretsmanager.NewSecretPolicy(ctx, name, &secretsmanager.SecretPolicyArgs{
		SecretArn:         secret.Arn,
		Policy:            pulumi.JSONMarshal(args.policy()),
		BlockPublicPolicy: pulumi.Bool(true),
	}, child)
	if err != nil {
		return nil, err
	}
	rights, err := iam.NewRolePolicy(ctx, name, &iam.RolePolicyArgs{
		Role:   args.Rotator.RoleName,
		Policy: pulumi.JSONMarshal(policyDocument(args.rotatorRights(secret)...)),
	}, child)
	if err != nil {
		return nil, err
	}
	permission, err := lambda.NewPermission(ctx, name, &lambda.PermissionArgs{
		Action:    pulumi.String("lambda:InvokeFunction"),
		Function:  args.Rotator.FunctionARN,
		Principal: pulumi.String("secretsmanager.amazonaws.com"),
		SourceArn: secret.Arn,
	}, child)
	if err != nil {
		return nil, err
	}
	ready := append([]pulumi.Resource{policy, rights, permission}, args.Rotator.ready...)
	rotation, err := secretsmanager.NewSecretRotation(ctx, name, &secretsmanager.SecretRotationArgs{
		SecretId:          secret.ID(),
		RotationLambdaArn: args.Rotator.FunctionARN,
		RotationRules: secretsmanager.SecretRotationRotationRulesArgs{
			AutomaticallyAfterDays: pulumi.Int(args.Credentials.rotationDays()),
		},
		// There is nothing to keep until the first one. A change of the interval
		// or of the function rotates too: the provider cannot do one without the
		// other, and the secret before stays valid.
		RotateImmediately: pulumi.Bool(true),
	}, child, pulumi.DependsOn(append(ready, args.Ready...)))
	if err != nil {
		return nil, err
	}

	stored.SecretARN = secret.Arn
	stored.last = []pulumi.Resource{rotation}
	return stored, ctx.RegisterResourceOutputs(stored, pulumi.Map{"secretArn": stored.SecretARN})
}

// newSecret makes the secret, without any value.
func newSecret(ctx *pulumi.Context, name string, args *StoredCredentialArgs, child pulumi.ResourceOption,
) (*secretsmanager.Secret, error) {
	tags := pulumi.ToStringMap(args.Tags)
	tags[TagClientID], tags[TagScope] = args.ClientID, args.Scope
	tags[TagTenantID], tags[TagAuthority] = pulumi.String(args.Tenant.ID), pulumi.String(args.Tenant.Authority())
	settings := &secretsmanager.SecretArgs{
		Description:          pulumi.String("Secret of a client in Entra, rotated by itself"),
		RecoveryWindowInDays: pulumi.Int(args.Credentials.recoveryDays()),
		Tags:                 tags,
	}
	if args.KeyARN != nil {
		settings.KmsKeyId = args.KeyARN.ToStringOutput().ToStringPtrOutput()
	}
	return secretsmanager.NewSecret(ctx, name, settings, child)
}

// policy denies the value to all but the named readers and the rotator, and
// writing it to all but the rotator. Who deploys keeps what a deployment takes:
// nothing else is denied. UpdateSecret can write a value too and is not denied,
// since changing a description takes it.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_resource-policies.html
func (args *StoredCredentialArgs) policy() map[string]any {
	readers := pulumi.StringArray{args.Rotator.RoleARN}
	for _, reader := range args.Readers {
		readers = append(readers, pulumi.String(reader))
	}
	deny := func(sid string, actions []string, but any) map[string]any {
		return map[string]any{
			"Sid": sid, "Effect": "Deny", "Principal": "*", "Action": actions, "Resource": "*",
			"Condition": map[string]any{"StringNotEquals": map[string]any{"aws:PrincipalArn": but}},
		}
	}
	statements := []map[string]any{
		deny("ReadersOnly", []string{"secretsmanager:GetSecretValue"}, readers),
	}
	if args.secret == nil {
		statements = append(statements, deny("RotatorWrites",
			[]string{"secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"}, pulumi.StringArray{args.Rotator.RoleARN}))
	}
	return policyDocument(statements...)
}

// rotatorRights are what the four steps of a rotation do, on this secret.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotating-secrets-required-permissions-function.html
func (args *StoredCredentialArgs) rotatorRights(secret *secretsmanager.Secret) []map[string]any {
	statements := []map[string]any{{
		"Sid":    "RotateThisSecret",
		"Effect": "Allow",
		"Action": []string{
			"secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue",
			"secretsmanager:UpdateSecretVersionStage",
		},
		"Resource": secret.Arn,
	}}
	if args.KeyARN != nil {
		statements = append(statements, map[string]any{
			"Sid":      "UseItsKey",
			"Effect":   "Allow",
			"Action":   []string{"kms:Decrypt", "kms:GenerateDataKey"},
			"Resource": args.KeyARN,
		})
	}
	return statements
}

func (args *StoredCredentialArgs) validate() error {
	var p problems
	if args.ClientID == nil {
		p.add("clientId", "missing client", "", "the client id of the application")
	}
	if args.Scope == nil {
		p.add("scope", "missing scope", "", `what the client asks for, such as "api://<client id>/.default"`)
	}
	if args.Rotator == nil {
		p.add("rotator", "missing rotator", "", "what rotates the secret")
	}
	p.tenant(args.Tenant)
	p.credentials(args.Credentials, "")
	p.readers(args.Readers)
	p.tagsBesideOurs(args.Tags, secretTags...)
	return p.err()
}

// readers checks them as those of a client.
func (p *problems) readers(readers []string) {
	m := access.Model{Clients: []access.Client{{
		Name: "client", Kind: access.ClientDaemon, Credential: &access.Credential{Kind: access.CredentialSecret, Readers: readers},
	}}}
	before := len(p.Problems)
	p.model(m, access.ValidateOptions{}, "clients")
	for i := range p.Problems[before:] {
		path := &p.Problems[before+i].Path
		*path = strings.TrimPrefix(*path, "clients[0].credential.")
	}
}
