package clouds

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
)

func TestEveryClientIsMade(t *testing.T) {
	t.Parallel()
	made := reflect.ValueOf(*newClouds(aws.Config{Region: "eu-west-1"}, &Graph{}, &http.Client{}))
	for i := range made.NumField() {
		require.False(t, made.Field(i).IsNil(), made.Type().Field(i).Name)
	}
}

func TestWithoutTheSandboxesAuthorityNothingIsTrusted(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(empty, []byte("no PEM"), 0o600))
	for file, want := range map[string]string{
		empty:             "no certificate in it",
		empty + ".absent": "reading the sandbox's certificate authority",
	} {
		_, err := Sandbox(map[string]string{"SSL_CERT_FILE": file})
		require.ErrorContains(t, err, want)
	}
}
