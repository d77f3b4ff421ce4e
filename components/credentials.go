package components

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"time"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/kms"
	"github.com/pulumi/pulumi-azuread/sdk/v5/go/azuread"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/functions"
)

// Credentials configures how clients prove themselves.
type Credentials struct {
	// OutboundIssuer is that of the account's outbound identity federation, such
	// as "https://<id>.tokens.sts.global.api.aws". With it, roles of the account
	// prove themselves without a secret, the rotator first of all. It is an
	// account switch that is turned on outside this program. Default: none.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound.html
	OutboundIssuer string `json:"outboundIssuer,omitempty" pulumi:"outboundIssuer,optional"`
	// RotationDays is how often secrets are rotated, 1 to 90. Default: 90.
	RotationDays int `json:"rotationDays,omitempty" pulumi:"rotationDays,optional"`
	// LifetimeDays is how long Entra takes a secret: at least twice RotationDays
	// and 31 days, since the one before stays valid until the next rotation and
	// none should ever be about to expire. Tenants may cap it. Default: 211.
	LifetimeDays int `json:"lifetimeDays,omitempty" pulumi:"lifetimeDays,optional"`
	// RecoveryDays is how long a deleted secret can be restored: 0, or 7 to 30.
	// Default: 30.
	RecoveryDays *int `json:"recoveryDays,omitempty" pulumi:"recoveryDays,optional"`
	// KMSKey is the ARN of the customer-managed key that encrypts secrets.
	// Default: AWS's own key for Secrets Manager.
	KMSKey string `json:"kmsKey,omitempty" pulumi:"kmsKey,optional"`
	// CreateKey makes such a key. Default: false.
	CreateKey bool `json:"createKey,omitempty" pulumi:"createKey,optional"`
	// Binary is the path of a prebuilt functions/rotate/bootstrap. Default: it is
	// built as [RoleAuthorizer.Binary] is.
	Binary string `json:"binary,omitempty" pulumi:"binary,optional"`
	// Settings bound what the rotation function may use. Its timeout is 300
	// seconds unless they say otherwise, since Entra takes its time to know a new
	// secret everywhere.
	Settings FunctionSettings `json:"settings,omitzero" pulumi:"settings,optional"`
}

const (
	defaultRotationDays = 90
	defaultLifetimeDays = 211
	defaultRecoveryDays = 30
	// expiryMargin is how many days a secret is good for beyond the rotation
	// that removes it: compliance rules call 30 days expired.
	expiryMargin = 31
)

func (c Credentials) rotationDays() int { return orDefault(c.RotationDays, defaultRotationDays) }
func (c Credentials) lifetimeDays() int { return orDefault(c.LifetimeDays, defaultLifetimeDays) }

func (c Credentials) recoveryDays() int {
	if c.RecoveryDays == nil {
		return defaultRecoveryDays
	}
	return *c.RecoveryDays
}

// newCertificate lets an application prove itself by the key of a certificate.
func newCertificate(ctx *pulumi.Context, name string, application *azuread.Application, c access.Credential,
	child pulumi.ResourceOption,
) (pulumi.Resource, error) {
	certificate, err := parseCertificate(c.PEM)
	if err != nil {
		return nil, err
	}
	return azuread.NewApplicationCertificate(ctx, name, &azuread.ApplicationCertificateArgs{
		ApplicationId: application.ID(),
		Type:          pulumi.String("AsymmetricX509Cert"),
		Encoding:      pulumi.String("base64"), // of DER, as Microsoft Graph documents keyCredential
		Value:         pulumi.String(base64.StdEncoding.EncodeToString(certificate.Raw)),
		EndDate:       pulumi.String(certificate.NotAfter.UTC().Format(time.RFC3339)),
	}, child)
}

// newFederation lets an application prove itself by the tokens of another
// issuer. Entra compares issuer, subject and audience exactly.
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
func newFederation(ctx *pulumi.Context, name string, application *azuread.Application, issuer string, subject pulumi.StringInput,
	child pulumi.ResourceOption,
) (pulumi.Resource, error) {
	return azuread.NewApplicationFederatedIdentityCredential(ctx, name, &azuread.ApplicationFederatedIdentityCredentialArgs{
		ApplicationId: application.ID(),
		DisplayName:   pulumi.String(name),
		Issuer:        pulumi.String(issuer),
		Subject:       subject,
		Audiences:     pulumi.ToStringArray([]string{exchangeAudience}),
	}, child)
}

// exchangeAudience is what tokens name as aud that Entra takes for a client's
// assertion.
const exchangeAudience = "api://AzureADTokenExchange"

// newKey makes the key that encrypts secrets, or returns the one that is given;
// nil if it is AWS's own. Whoever may read a secret may decrypt with the key
// through Secrets Manager, and nobody through anything else but what IAM says.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
func newKey(ctx *pulumi.Context, name string, c Credentials, readers pulumi.StringArray, tags map[string]string,
	child pulumi.ResourceOrInvokeOption,
) (pulumi.StringInput, error) {
	if !c.CreateKey {
		if c.KMSKey == "" {
			return nil, nil
		}
		return pulumi.String(c.KMSKey), nil
	}
	caller := aws.GetCallerIdentityOutput(ctx, aws.GetCallerIdentityOutputArgs{}, child)
	region := aws.GetRegionOutput(ctx, aws.GetRegionOutputArgs{}, child)
	partition := aws.GetPartitionOutput(ctx, aws.GetPartitionOutputArgs{}, child)
	statements := []map[string]any{{
		"Sid": "Administer", "Effect": "Allow", "Action": "kms:*", "Resource": "*",
		"Principal": map[string]any{"AWS": pulumi.Sprintf("arn:%s:iam::%s:root", partition.Partition(), caller.AccountId())},
	}}
	if len(readers) > 0 {
		statements = append(statements, map[string]any{
			"Sid": "ReadThroughSecretsManager", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
			"Principal": map[string]any{"AWS": readers},
			"Condition": map[string]any{"StringEquals": map[string]any{
				"kms:ViaService": pulumi.Sprintf("secretsmanager.%s.amazonaws.com", region.Name()),
			}},
		})
	}
	key, err := kms.NewKey(ctx, name, &kms.KeyArgs{
		Description:       pulumi.String("Encrypts the secrets of clients in Entra"),
		EnableKeyRotation: pulumi.Bool(true),
		Policy:            pulumi.JSONMarshal(policyDocument(statements...)),
		Tags:              awsTags(tags),
	}, child)
	if err != nil {
		return nil, err
	}
	return key.Arn, nil
}

var (
	// keyARN is no alias: a policy that names one allows nothing.
	// https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html
	keyARN   = regexp.MustCompile(`^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$`)
	topicARN = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+$`)
)

// credentials checks the settings of credentials.
func (p *problems) credentials(c Credentials, architecture functions.Architecture) {
	if u, err := url.Parse(c.OutboundIssuer); c.OutboundIssuer != "" && (err != nil || u.Scheme != "https" || u.Hostname() == "") {
		p.add("credentials.outboundIssuer", "malformed issuer", c.OutboundIssuer,
			`an address such as "https://<id>.tokens.sts.global.api.aws"`)
	}
	rotation, lifetime := c.rotationDays(), c.lifetimeDays()
	if rotation < 1 || rotation > defaultRotationDays {
		p.add("credentials.rotationDays", "interval out of range", fmt.Sprint(rotation), fmt.Sprintf("1 to %d days", defaultRotationDays))
	} else if least := 2*rotation + expiryMargin; lifetime < least {
		p.add("credentials.lifetimeDays", "secrets would expire before they are replaced, or nearly", fmt.Sprint(lifetime),
			fmt.Sprintf("at least %d days: twice the interval and %d", least, expiryMargin))
	}
	if days := c.recoveryDays(); days != 0 && (days < 7 || days > 30) {
		p.add("credentials.recoveryDays", "window out of range", fmt.Sprint(days), "0, or 7 to 30 days")
	}
	switch {
	case c.KMSKey != "" && c.CreateKey:
		p.add("credentials.kmsKey", "a key is given and one is to be made", c.KMSKey, "one of them")
	default:
		p.key("credentials.kmsKey", c.KMSKey)
	}
	p.functionSettings("credentials.settings", c.Settings, maxTimeoutSeconds)
	if c.Binary != "" {
		p.program("credentials", functions.Program{Binary: c.Binary, Architecture: architecture})
	}
}

// secretClients are those whose secret is stored and rotated.
func secretClients(clients []access.Client, outboundIssuer string) []access.Client {
	return slices.DeleteFunc(slices.Clone(clients), func(c access.Client) bool {
		return c.CredentialKind(outboundIssuer) != access.CredentialSecret
	})
}
