package access_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
)

const (
	outbound   = "https://11111111.tokens.sts.global.api.aws"
	exportRole = "arn:aws:iam::111122223333:role/jobs/export"
)

func TestOnlyWebClientsAndDaemonsAreConfidential(t *testing.T) {
	t.Parallel()
	for kind, want := range map[access.ClientKind]bool{
		access.ClientWeb: true, access.ClientDaemon: true, access.ClientSPA: false, access.ClientNative: false, "": false,
	} {
		require.Equal(t, want, kind.IsConfidential(), kind)
		got := access.Client{Kind: kind, Credential: &access.Credential{Kind: access.CredentialSecret}}.CredentialKind("")
		require.Equal(t, want, got == access.CredentialSecret, kind)
	}
}

func TestCredentialKind(t *testing.T) {
	t.Parallel()
	const federated, certificate, secret = access.CredentialFederated, access.CredentialCertificate, access.CredentialSecret
	for name, tt := range map[string]struct {
		credential *access.Credential
		with       access.CredentialKind // where the outbound issuer is known
		without    access.CredentialKind
	}{
		"nothing said":      {nil, federated, secret},
		"nothing in it":     {&access.Credential{}, federated, secret},
		"readers":           {&access.Credential{Readers: []string{exportRole}}, secret, secret},
		"a file":            {&access.Credential{File: "export.pem"}, certificate, certificate},
		"a text":            {&access.Credential{PEM: "-----BEGIN"}, certificate, certificate},
		"a role":            {&access.Credential{AWSRole: exportRole}, federated, federated},
		"a workflow":        {&access.Credential{GitHub: &access.GitHub{}}, federated, federated},
		"a service account": {&access.Credential{Kubernetes: &access.Kubernetes{}}, federated, federated},
		"an issuer":         {&access.Credential{Issuer: "https://ci.example.com"}, federated, federated},
		"a subject":         {&access.Credential{Subject: "job"}, federated, federated},
		"secret":            {&access.Credential{Kind: secret}, secret, secret},
		"secret all the same": {
			&access.Credential{Kind: secret, AWSRole: exportRole}, secret, secret, // and refused
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := access.Client{Kind: access.ClientDaemon, Credential: tt.credential}
			require.Equal(t, tt.with, c.CredentialKind(outbound))
			require.Equal(t, tt.without, c.CredentialKind(""))
		})
	}
}

func TestFederation(t *testing.T) {
	t.Parallel()
	const gitHub = "https://token.actions.githubusercontent.com"
	workflow := func(g access.GitHub) access.Credential {
		g.Repository = "contoso/orders"
		return access.Credential{GitHub: &g}
	}
	for name, tt := range map[string]struct {
		credential      access.Credential
		issuer, subject string
	}{
		"a role of AWS":     {access.Credential{AWSRole: exportRole}, outbound, exportRole},
		"an environment":    {workflow(access.GitHub{Environment: "prod"}), gitHub, "repo:contoso/orders:environment:prod"},
		"a branch":          {workflow(access.GitHub{Branch: "release/1"}), gitHub, "repo:contoso/orders:ref:refs/heads/release/1"},
		"a tag":             {workflow(access.GitHub{Tag: "v1.2.3"}), gitHub, "repo:contoso/orders:ref:refs/tags/v1.2.3"},
		"pull requests":     {workflow(access.GitHub{PullRequest: true}), gitHub, "repo:contoso/orders:pull_request"},
		"a service account": {access.Credential{Kubernetes: kubernetes()}, "https://oidc.example.com/id/1", "system:serviceaccount:jobs:export"},
		"any other": {
			access.Credential{Issuer: "https://ci.example.com", Subject: "project:7"}, "https://ci.example.com", "project:7",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer, subject := tt.credential.Federation(outbound)
			require.Equal(t, tt.issuer, issuer)
			require.Equal(t, tt.subject, subject)
			require.NoError(t, withCredential(access.ClientWeb, tt.credential).Validate(access.ValidateOptions{OutboundIssuer: outbound}))
		})
	}
}

func kubernetes() *access.Kubernetes {
	return &access.Kubernetes{Issuer: "https://oidc.example.com/id/1", Namespace: "jobs", ServiceAccount: "export"}
}

// withCredential is a valid model with this credential of its client of the kind;
// others have secrets.
func withCredential(kind access.ClientKind, c access.Credential) access.Model {
	m := orders()
	for i := range m.Clients {
		switch {
		case m.Clients[i].Kind == kind:
			m.Clients[i].Credential = &c
		case m.Clients[i].Kind.IsConfidential():
			m.Clients[i].Credential = &access.Credential{Kind: access.CredentialSecret}
		}
	}
	return m
}

func TestCredentialsAccepted(t *testing.T) {
	t.Parallel()
	user := "arn:aws-us-gov:iam::111122223333:user/ops/bob@example.com"
	for name, c := range map[string]access.Credential{
		"nothing":              {},
		"a secret nobody read": {Kind: access.CredentialSecret},
		"a secret and readers": {Readers: []string{exportRole, user}},
		"a file":               {Kind: access.CredentialCertificate, File: "export.pem"},
		"a text":               {PEM: "whatever, components read it"},
		"the longest subject":  {Issuer: "https://ci.example.com", Subject: strings.Repeat("s", 600)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, withCredential(access.ClientDaemon, c).Validate(access.ValidateOptions{}))
		})
	}
}

// TestCredentialsRefused expects these problems and no others.
func TestCredentialsRefused(t *testing.T) {
	t.Parallel()
	const path = "clients[3].credential" // of the daemon
	workflow := func(g access.GitHub) access.Credential { return access.Credential{GitHub: &g} }
	pod := func(change func(*access.Kubernetes)) access.Credential {
		k := kubernetes()
		change(k)
		return access.Credential{Kubernetes: k}
	}
	for name, tt := range map[string]struct {
		credential access.Credential
		want       []string // beginnings
	}{
		"a kind that is none": {
			access.Credential{Kind: "password"},
			[]string{path + `.kind: unknown kind: got "password", want one of "federated", "certificate", "secret"`},
		},
		"readers of a certificate": {
			access.Credential{File: "export.pem", Readers: []string{exportRole}},
			[]string{path + `.readers: readers of what is no secret: got "` + exportRole + `", want kind "secret", or no readers`},
		},
		"a certificate and a secret": {
			access.Credential{Kind: access.CredentialSecret, PEM: "x"},
			[]string{path + `: certificate of a credential of another kind: got "secret", want kind "certificate", or no certificate`},
		},
		"an issuer and a secret": {
			access.Credential{Kind: access.CredentialSecret, AWSRole: exportRole},
			[]string{path + `: issuer of a credential of another kind: got "secret", want kind "federated", or no issuer`},
		},
		"all three": {
			access.Credential{Readers: []string{exportRole}, PEM: "x", GitHub: &access.GitHub{Repository: "a/b", Branch: "main"}},
			[]string{path + ".readers: readers of what is no secret", path + ": certificate of a credential of another kind"},
		},
		"a reader by name": {
			access.Credential{Readers: []string{"export"}},
			[]string{path + `.readers[0]: malformed reader: got "export", want the ARN of a role or user`},
		},
		"everybody as reader": {
			access.Credential{Readers: []string{"*"}}, []string{path + ".readers[0]: malformed reader"},
		},
		"an account as reader": {
			access.Credential{Readers: []string{"arn:aws:iam::111122223333:root"}}, []string{path + ".readers[0]: malformed reader"},
		},
		"a session as reader": {
			access.Credential{Readers: []string{"arn:aws:sts::111122223333:assumed-role/export/i-1"}},
			[]string{path + ".readers[0]: malformed reader"},
		},
		"a pattern as reader": {
			access.Credential{Readers: []string{"arn:aws:iam::111122223333:role/*"}}, []string{path + ".readers[0]: malformed reader"},
		},
		"a reader twice": {
			access.Credential{Readers: []string{exportRole, exportRole}},
			[]string{path + `.readers[1]: reader is listed twice: got "` + exportRole + `", want each once`},
		},
		"no certificate": {
			access.Credential{Kind: access.CredentialCertificate},
			[]string{path + ": certificate credential without exactly one certificate: want file, or pem"},
		},
		"two certificates": {
			access.Credential{File: "export.pem", PEM: "x"}, []string{path + ": certificate credential without exactly one certificate"},
		},
		"federated with nobody": {
			access.Credential{Kind: access.CredentialFederated},
			[]string{
				path + `: federated credential that does not say whose tokens it takes, in one way: got "0 ways", ` +
					`want awsRole, github, kubernetes, or issuer and subject`,
			},
		},
		"federated with two": {
			access.Credential{AWSRole: exportRole, Issuer: "https://ci.example.com", Subject: "s"},
			[]string{path + `: federated credential that does not say whose tokens it takes, in one way: got "2 ways"`},
		},
		"a role whose account's issuer is not known": {
			access.Credential{AWSRole: exportRole},
			[]string{path + `.awsRole: the account's outbound identity federation is not known: got "` + exportRole + `", want outboundIssuer`},
		},
		"a malformed role, too": {
			access.Credential{AWSRole: "export"},
			[]string{path + `.awsRole: malformed role: got "export"`, path + ".awsRole: the account's outbound identity federation is not known"},
		},
		"a user in place of a role": {
			access.Credential{AWSRole: "arn:aws:iam::111122223333:user/bob"},
			[]string{path + ".awsRole: malformed role", path + ".awsRole: the account's outbound identity federation is not known"},
		},
		"a repository without its owner": {
			workflow(access.GitHub{Repository: "orders", Branch: "main"}),
			[]string{path + `.github.repository: malformed repository: got "orders", want a name such as "contoso/orders"`},
		},
		"a repository of a pattern": {
			workflow(access.GitHub{Repository: "contoso/*", Branch: "main"}), []string{path + ".github.repository: malformed repository"},
		},
		"a repository by its address": {
			workflow(access.GitHub{Repository: "https://github.com/contoso/orders", Branch: "main"}),
			[]string{path + ".github.repository: malformed repository"},
		},
		"any workflow": {
			workflow(access.GitHub{Repository: "contoso/orders"}),
			[]string{path + `.github: workflows that are not named in one way: got "0 ways", want environment, branch, tag or pullRequest`},
		},
		"a branch and pull requests": {
			workflow(access.GitHub{Repository: "contoso/orders", Branch: "main", PullRequest: true}),
			[]string{path + `.github: workflows that are not named in one way: got "2 ways"`},
		},
		"patterns of everything": {
			workflow(access.GitHub{Repository: "contoso/orders", Environment: "a b", Branch: "release/*", Tag: "v?"}),
			[]string{
				path + ".github: workflows that are not named in one way",
				path + `.github.environment: pattern in what is compared exactly: got "a b"`,
				path + `.github.branch: pattern in what is compared exactly: got "release/*", want a name`,
				path + `.github.tag: pattern in what is compared exactly: got "v?"`,
			},
		},
		"a cluster without anything": {
			pod(func(k *access.Kubernetes) { *k = access.Kubernetes{} }),
			[]string{
				path + ".kubernetes.issuer: missing or malformed: want the iss claim of the tokens, an https address",
				path + ".kubernetes.namespace: malformed name", path + ".kubernetes.serviceAccount: malformed name",
			},
		},
		"a cluster over http": {
			pod(func(k *access.Kubernetes) { k.Issuer = "http://oidc.example.com" }),
			[]string{path + `.kubernetes.issuer: missing or malformed: got "http://oidc.example.com"`},
		},
		"any namespace": {
			pod(func(k *access.Kubernetes) { k.Namespace = "*" }), []string{path + `.kubernetes.namespace: malformed name: got "*"`},
		},
		"a service account with its namespace": {
			pod(func(k *access.Kubernetes) { k.ServiceAccount = "jobs:export" }), []string{path + ".kubernetes.serviceAccount: malformed name"},
		},
		"an issuer without a subject": {
			access.Credential{Issuer: "https://ci.example.com"},
			[]string{path + ".subject: missing or malformed: want the sub claim of the issuer's tokens"},
		},
		"a subject without an issuer": {
			access.Credential{Subject: "job"}, []string{path + ".issuer: missing or malformed"},
		},
		"an issuer of no host": {
			access.Credential{Issuer: "https://", Subject: "job"}, []string{path + ".issuer: missing or malformed"},
		},
		"a subject of a pattern": {
			access.Credential{Issuer: "https://ci.example.com", Subject: "repo:*"},
			[]string{path + `.subject: pattern in what is compared exactly: got "repo:*", want the claim as it is`},
		},
		"a subject that is too long": {
			access.Credential{Issuer: "https://ci.example.com", Subject: strings.Repeat("s", 601)},
			[]string{path + ".subject: too long"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireProblems(t, withCredential(access.ClientDaemon, tt.credential).Validate(access.ValidateOptions{}), tt.want)
		})
	}
}

// With the account's issuer a client has no secret unless it asks for one, and
// must say which role it is.
func TestCredentialThatIsFederatedByDefaultSaysWho(t *testing.T) {
	t.Parallel()
	requireProblems(t, orders().Validate(access.ValidateOptions{OutboundIssuer: outbound}), []string{
		`clients[1].credential: federated credential that does not say whose tokens it takes`,
		`clients[3].credential: federated credential that does not say whose tokens it takes`,
	})
}

func TestClientsThatCannotKeepACredentialRefuseOne(t *testing.T) {
	t.Parallel()
	for kind, path := range map[access.ClientKind]string{access.ClientSPA: "clients[0]", access.ClientNative: "clients[2]"} {
		m := withCredential(kind, access.Credential{Kind: "password", Readers: []string{"x"}})
		requireProblems(t, m.Validate(access.ValidateOptions{}), []string{
			path + ".credential: credential of a " + string(kind) + " client: it runs where nobody can keep one: want none",
		})
	}
	unknown := withCredential(access.ClientDaemon, access.Credential{})
	unknown.Clients[3].Kind = "demon"
	requireProblems(t, unknown.Validate(access.ValidateOptions{}), []string{`clients[3].kind: unknown kind: got "demon"`})
}

// requireProblems expects as many problems as there are beginnings, in their order.
func requireProblems(t *testing.T, err error, beginnings []string) {
	t.Helper()
	var found access.Problems
	require.ErrorAs(t, err, &found)
	var got []string
	for _, p := range found {
		got = append(got, p.Error())
	}
	require.Len(t, got, len(beginnings), "%s", strings.Join(got, "\n"))
	for i, want := range beginnings {
		require.Truef(t, strings.HasPrefix(got[i], want), "got  %s\nwant %s", got[i], want)
	}
}
