package rotate

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"
)

// answers is a server that answers as it is told, for all the clouds.
type answers struct {
	*httptest.Server
	token, graph, aws http.HandlerFunc
	tokens            int // how many were issued
}

const issuedToken = "header.claims.signature"

func newAnswers(t *testing.T) *answers {
	t.Helper()
	a := &answers{}
	a.token = func(w http.ResponseWriter, _ *http.Request) {
		a.tokens++
		write(w, 200, `{"token_type":"Bearer","expires_in":3599,"access_token":"`+issuedToken+`"}`)
	}
	a.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/openid-configuration"):
			base := a.URL + "/" + tenantID
			write(w, 200, fmt.Sprintf(`{"issuer":"%s/v2.0","authorization_endpoint":"%s/oauth2/v2.0/authorize","token_endpoint":"%s/oauth2/v2.0/token"}`, base, base, base))
		case strings.HasSuffix(r.URL.Path, "/token"):
			a.token(w, r)
		case strings.HasPrefix(r.URL.Path, "/v1.0/"):
			a.graph(w, r)
		default:
			a.aws(w, r)
		}
	}))
	t.Cleanup(a.Close)
	return a
}

func write(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (a *answers) config() Config {
	c := goodConfig()
	c.GraphURL, c.Authority = a.URL, a.URL+"/"+tenantID
	return c
}

func (a *answers) account() aws.Config {
	return aws.Config{
		Region: "eu-west-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "x", ""),
		BaseEndpoint: &a.URL, HTTPClient: a.Client(),
	}
}

func (a *answers) entra() entra {
	return entra{config: a.config(), transport: a.Client(), sts: sts.NewFromConfig(a.account(), func(o *sts.Options) { o.Retryer = aws.NopRetryer{} })}
}

const ownSecret = "own8Q~0123456789-0123456789"

func (a *answers) own() *Value {
	return &Value{ClientID: rotatorID, Authority: a.config().Authority, ClientSecret: ownSecret}
}

func requireTemporary(t *testing.T, want bool, err error) time.Duration {
	t.Helper()
	var temporary *TemporaryError
	if !want {
		require.NotErrorAs(t, err, &temporary)
		return 0
	}
	require.ErrorAs(t, err, &temporary)
	return temporary.After
}
