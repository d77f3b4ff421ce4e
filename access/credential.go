package access

import (
	"fmt"
	"regexp"
	"strings"
)

// Credential says how a confidential client, web or daemon, proves itself to
// Entra. What is not of its kind stays empty.
type Credential struct {
	// Kind is "federated", "certificate" or "secret". Default: what the other
	// settings are of; without any, "federated" where the account's outbound
	// identity federation is known, else "secret".
	Kind CredentialKind `json:"kind,omitempty" pulumi:"kind,optional"`

	// Readers are the ARNs of the IAM roles and users that may read a secret.
	Readers []string `json:"readers,omitempty" pulumi:"readers,optional"`

	// File is the path of a PEM file with the public certificate, PEM its text.
	File string `json:"file,omitempty" pulumi:"file,optional"`
	PEM  string `json:"pem,omitempty" pulumi:"pem,optional"`

	// AWSRole is the ARN of the IAM role that proves itself by AWS outbound
	// identity federation.
	AWSRole string `json:"awsRole,omitempty" pulumi:"awsRole,optional"`
	// GitHub is a workflow of GitHub Actions.
	GitHub *GitHub `json:"github,omitempty" pulumi:"github,optional"`
	// Kubernetes is a service account of a cluster.
	Kubernetes *Kubernetes `json:"kubernetes,omitempty" pulumi:"kubernetes,optional"`
	// Issuer and Subject are the iss and sub of the tokens of any other issuer.
	Issuer  string `json:"issuer,omitempty" pulumi:"issuer,optional"`
	Subject string `json:"subject,omitempty" pulumi:"subject,optional"`
}

// GitHub says which workflows of GitHub Actions a federated credential takes:
// those of an environment, a branch or a tag, or pull requests.
// https://docs.github.com/actions/reference/security/oidc
type GitHub struct {
	// Repository is such as "contoso/orders".
	Repository  string `json:"repository" pulumi:"repository"`
	Environment string `json:"environment,omitempty" pulumi:"environment,optional"`
	Branch      string `json:"branch,omitempty" pulumi:"branch,optional"`
	Tag         string `json:"tag,omitempty" pulumi:"tag,optional"`
	PullRequest bool   `json:"pullRequest,omitempty" pulumi:"pullRequest,optional"`
}

// Kubernetes says which service account a federated credential takes.
// https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
type Kubernetes struct {
	// Issuer is the cluster's OpenID Connect issuer.
	Issuer         string `json:"issuer" pulumi:"issuer"`
	Namespace      string `json:"namespace" pulumi:"namespace"`
	ServiceAccount string `json:"serviceAccount" pulumi:"serviceAccount"`
}

// CredentialKind is how a client proves itself.
type CredentialKind string

// The values of [CredentialKind].
const (
	CredentialFederated   CredentialKind = "federated"
	CredentialCertificate CredentialKind = "certificate"
	CredentialSecret      CredentialKind = "secret"
)

// gitHubIssuer signs the tokens of workflows on github.com.
const gitHubIssuer = "https://token.actions.githubusercontent.com"

// IsConfidential reports whether clients of the kind prove who they are.
func (k ClientKind) IsConfidential() bool { return k == ClientWeb || k == ClientDaemon }

// CredentialKind is how the client proves itself; "" for clients that cannot.
// outboundIssuer is that of the account's outbound identity federation, if it is
// known.
func (c Client) CredentialKind(outboundIssuer string) CredentialKind {
	if !c.Kind.IsConfidential() {
		return ""
	}
	var declared Credential
	if c.Credential != nil {
		declared = *c.Credential
	}
	switch {
	case declared.Kind != "":
		return declared.Kind
	case declared.isFederated():
		return CredentialFederated
	case declared.isCertificate():
		return CredentialCertificate
	case len(declared.Readers) == 0 && outboundIssuer != "":
		return CredentialFederated
	default:
		return CredentialSecret
	}
}

// Federation returns the iss and sub of the tokens that a federated credential
// takes.
func (c Credential) Federation(outboundIssuer string) (issuer, subject string) {
	switch {
	case c.AWSRole != "":
		return outboundIssuer, c.AWSRole
	case c.GitHub != nil:
		return gitHubIssuer, c.GitHub.subject()
	case c.Kubernetes != nil:
		k := c.Kubernetes
		return k.Issuer, "system:serviceaccount:" + k.Namespace + ":" + k.ServiceAccount
	default:
		return c.Issuer, c.Subject
	}
}

func (g GitHub) subject() string {
	prefix := "repo:" + g.Repository + ":"
	switch {
	case g.Environment != "":
		return prefix + "environment:" + g.Environment
	case g.Branch != "":
		return prefix + "ref:refs/heads/" + g.Branch
	case g.Tag != "":
		return prefix + "ref:refs/tags/" + g.Tag
	default:
		return prefix + "pull_request"
	}
}

func (c Credential) isFederated() bool {
	return c.AWSRole != "" || c.GitHub != nil || c.Kubernetes != nil || c.Issuer != "" || c.Subject != ""
}

func (c Credential) isCertificate() bool { return c.File != "" || c.PEM != "" }

// maxFederated is how many characters issuer and subject may have.
// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
const maxFederated = 600

var (
	// principalARN is what may stand in aws:PrincipalArn: a role, not its session.
	principalARN = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]{1,575}$`)
	roleARN      = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]{1,575}$`)
	repository   = regexp.MustCompile(`^[A-Za-z0-9](-?[A-Za-z0-9])*/[A-Za-z0-9._-]+$`)
	kubernetesID = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$`)
)

// credential checks how a client proves itself.
func (v *validator) credential(path string, c Client) {
	path = at(path, "credential")
	kind := c.CredentialKind(v.options.OutboundIssuer)
	declared := Credential{}
	if c.Credential != nil {
		declared = *c.Credential
		if !c.Kind.IsConfidential() {
			if !c.Kind.IsDelegated() {
				return // an unknown kind, which is the problem
			}
			v.add(path, fmt.Sprintf("credential of a %s client: it runs where nobody can keep one", c.Kind), "", "none")
			return
		}
		v.enum(at(path, "kind"), "kind", string(declared.Kind), string(CredentialFederated), string(CredentialCertificate), string(CredentialSecret))
	}
	if kind != CredentialSecret && len(declared.Readers) > 0 {
		v.add(at(path, "readers"), "readers of what is no secret", strings.Join(declared.Readers, " "), `kind "secret", or no readers`)
	}
	if kind != CredentialCertificate && declared.isCertificate() {
		v.add(path, "certificate of a credential of another kind", string(kind), `kind "certificate", or no certificate`)
	}
	if kind != CredentialFederated && declared.isFederated() {
		v.add(path, "issuer of a credential of another kind", string(kind), `kind "federated", or no issuer`)
	}
	switch kind {
	case CredentialSecret:
		v.readers(at(path, "readers"), declared.Readers)
	case CredentialCertificate:
		if (declared.File == "") == (declared.PEM == "") {
			v.add(path, "certificate credential without exactly one certificate", "", "file, or pem")
		}
	case CredentialFederated:
		v.federated(path, declared)
	}
}

func (v *validator) readers(path string, readers []string) {
	seen := map[string]bool{}
	for i, reader := range readers {
		switch {
		case !principalARN.MatchString(reader):
			v.add(at(path, i), "malformed reader", reader, `the ARN of a role or user, such as "arn:aws:iam::111122223333:role/export"`)
		case seen[reader]:
			v.add(at(path, i), "reader is listed twice", reader, "each once")
		}
		seen[reader] = true
	}
}

// federated checks that a credential says whose tokens it takes, in exactly one
// way.
func (v *validator) federated(path string, c Credential) {
	ways := 0
	for _, given := range []bool{c.AWSRole != "", c.GitHub != nil, c.Kubernetes != nil, c.Issuer != "" || c.Subject != ""} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		v.add(path, "federated credential that does not say whose tokens it takes, in one way", fmt.Sprintf("%d ways", ways),
			"awsRole, github, kubernetes, or issuer and subject")
		return
	}
	switch {
	case c.AWSRole != "":
		if !roleARN.MatchString(c.AWSRole) {
			v.add(at(path, "awsRole"), "malformed role", c.AWSRole, `an ARN such as "arn:aws:iam::111122223333:role/export"`)
		}
		if v.options.OutboundIssuer == "" {
			v.add(at(path, "awsRole"), "the account's outbound identity federation is not known", c.AWSRole,
				"outboundIssuer, which `aws iam get-outbound-web-identity-federation-info` tells")
		}
	case c.GitHub != nil:
		v.gitHub(at(path, "github"), *c.GitHub)
	case c.Kubernetes != nil:
		v.kubernetes(at(path, "kubernetes"), *c.Kubernetes)
	default:
		v.federatedText(at(path, "issuer"), c.Issuer, "https://")
		v.federatedText(at(path, "subject"), c.Subject, "")
	}
}

func (v *validator) gitHub(path string, g GitHub) {
	if !repository.MatchString(g.Repository) {
		v.add(at(path, "repository"), "malformed repository", g.Repository, `a name such as "contoso/orders"`)
	}
	ways := 0
	for _, given := range []bool{g.Environment != "", g.Branch != "", g.Tag != "", g.PullRequest} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		v.add(path, "workflows that are not named in one way", fmt.Sprintf("%d ways", ways), "environment, branch, tag or pullRequest")
	}
	// Entra compares exactly: a star would be a star.
	for _, name := range []struct{ setting, value string }{{"environment", g.Environment}, {"branch", g.Branch}, {"tag", g.Tag}} {
		if strings.ContainsAny(name.value, "*? ") {
			v.add(at(path, name.setting), "pattern in what is compared exactly", name.value, "a name")
		}
	}
}

func (v *validator) kubernetes(path string, k Kubernetes) {
	v.federatedText(at(path, "issuer"), k.Issuer, "https://")
	for _, name := range []struct{ setting, value string }{{"namespace", k.Namespace}, {"serviceAccount", k.ServiceAccount}} {
		if !kubernetesID.MatchString(name.value) {
			v.add(at(path, name.setting), "malformed name", name.value, "a name of Kubernetes")
		}
	}
}

// federatedText checks an issuer or a subject. Entra takes no wildcards.
func (v *validator) federatedText(path, text, prefix string) {
	switch {
	case text == "" || text == prefix || !strings.HasPrefix(text, prefix):
		want := "the sub claim of the issuer's tokens"
		if prefix != "" {
			want = "the iss claim of the tokens, an https address"
		}
		v.add(path, "missing or malformed", text, want)
	case len(text) > maxFederated:
		v.add(path, "too long", text, fmt.Sprintf("at most %d characters", maxFederated))
	case strings.ContainsAny(text, "*?"):
		v.add(path, "pattern in what is compared exactly", text, "the claim as it is")
	}
}
