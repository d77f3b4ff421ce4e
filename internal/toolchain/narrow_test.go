package toolchain

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeServicePackages and fakeClients are lists as Terraform's provider has them.
func fakeServicePackages(services ...string) string {
	var imports, calls strings.Builder
	for _, s := range services {
		fmt.Fprintf(&imports, "\t\"github.com/hashicorp/terraform-provider-aws/internal/service/%s\"\n", s)
		fmt.Fprintf(&calls, "\t\t%s.ServicePackage(ctx),\n", s)
	}
	return "package provider\n\nimport (\n\t\"context\"\n\n" + imports.String() + ")\n\n" +
		"func servicePackages(ctx context.Context) []conns.ServicePackage {\n\tv := []conns.ServicePackage{\n" +
		calls.String() + "\t}\n\n\treturn slices.Clone(v)\n}\n"
}

func fakeClients(services ...string) string {
	var imports, methods strings.Builder
	for _, s := range services {
		fmt.Fprintf(&imports, "\t\"github.com/aws/aws-sdk-go-v2/service/%s\"\n", s)
		fmt.Fprintf(&methods, "\nfunc (c *AWSClient) %sClient(ctx context.Context) *%s.Client {\n\treturn nil\n}\n", s, s)
	}
	return "package conns\n\nimport (\n\t\"context\"\n\n" + imports.String() + ")\n" + methods.String()
}

func TestNarrowKeepsWhatIsListed(t *testing.T) {
	packages := servicePackagesList
	packages.keep = []string{"kms", "sns"}
	got, err := packages.narrow([]byte(fakeServicePackages("acm", "kms", "sns", "xray")))
	require.NoError(t, err)
	require.Equal(t, fakeServicePackages("kms", "sns"), string(got))

	clients := clientsList
	clients.keep = []string{"kms"}
	got, err = clients.narrow([]byte(fakeClients("acm", "kms", "xray")))
	require.NoError(t, err)
	require.NotContains(t, string(got), "xray")
	require.NotContains(t, string(got), "acm")
	require.Contains(t, string(got), "func (c *AWSClient) kmsClient(ctx context.Context) *kms.Client {")
}

func TestNarrowRefusesWhatItDoesNotUnderstand(t *testing.T) {
	packages := servicePackagesList
	packages.keep = []string{"kms"}
	clients := clientsList
	clients.keep = []string{"kms"}
	for _, test := range []struct {
		name, src string
		list      generatedList
		want      string
	}{
		{"no Go", "not Go", packages, "expected 'package'"},
		{"wanted service is gone", fakeServicePackages("acm"), packages, "kms is not in the list"},
		{"no list", "package provider\n", packages, "kms is not in the list"},
		{
			"imported but not listed",
			strings.Replace(fakeServicePackages("acm", "kms"), "\t\tacm.ServicePackage(ctx),\n", "", 1),
			packages, "acm is imported but not in the list",
		},
		{
			"listed but not imported",
			strings.Replace(fakeServicePackages("acm", "kms"), "service/acm", "other/acm", 1),
			packages, "acm is in the list but not imported",
		},
		{
			"another call",
			strings.Replace(fakeServicePackages("kms"), "kms.ServicePackage(ctx)", "kms.New(ctx)", 1),
			packages, `calls "New", want ServicePackage`,
		},
		{
			"no call",
			strings.Replace(fakeServicePackages("kms"), "kms.ServicePackage(ctx)", "kms.Package", 1),
			packages, "want a call",
		},
		{
			"renamed import",
			strings.Replace(fakeServicePackages("kms"), "\t\"github.com/hashi", "\tother \"github.com/hashi", 1),
			packages, "is named other",
		},
		{
			"no client",
			strings.Replace(fakeClients("kms"), "*kms.Client", "*kms.Options", 1),
			clients, `returns a "Options", want a Client`,
		},
		{
			"no pointer",
			strings.Replace(fakeClients("kms"), "*kms.Client", "kms.Client", 1),
			clients, "want a pointer to a client",
		},
		{"no method", fakeClients("kms") + "\nfunc helper() {}\n", clients, "helper is no method with one result"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.list.narrow([]byte(test.src))
			require.ErrorContains(t, err, test.want)
		})
	}
}
