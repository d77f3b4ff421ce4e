package credentials

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/cmd/entragate/internal/clouds"
	"github.com/entragate/entragate/functions/rotate"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const (
	version1 = "11111111-1111-4111-8111-111111111111"
	version2 = "22222222-2222-4222-8222-222222222222"
	arn      = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:export-abc123"
)

type object = map[string]any

// fake answers as both clouds do, from what a test says there is.
type fake struct {
	application object // nil: there is none
	secret      object // nil: there is none
	federated   []object
	removed     []string
	rotations   int
	onRotate    func(*fake) (code string)
}

type anyToken struct{}

func (anyToken) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "t", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

func (f *fake) clouds(t *testing.T) *clouds.Clouds {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return &clouds.Clouds{
		Graph: &clouds.Graph{Endpoint: server.URL, Credential: anyToken{}, HTTP: server.Client()},
		SecretsManager: secretsmanager.New(secretsmanager.Options{
			Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: awscredentials.NewStaticCredentialsProvider("a", "b", ""),
			Retryer: aws.NopRetryer{},
		}),
	}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := func(status int, body any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	var body object
	_ = json.NewDecoder(r.Body).Decode(&body)
	switch _, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); {
	case operation != "" && f.secret == nil:
		answer(http.StatusBadRequest, object{"__type": "ResourceNotFoundException", "message": "no"})
	case operation == "DescribeSecret":
		answer(http.StatusOK, f.secret)
	case operation == "RotateSecret":
		f.rotations++
		if code := f.onRotate(f); code != "" {
			answer(http.StatusBadRequest, object{"__type": code, "message": "A previous rotation isn't complete. That rotation will be reattempted."})
			return
		}
		answer(http.StatusOK, object{})
	case strings.HasSuffix(r.URL.Path, "/federatedIdentityCredentials"):
		answer(http.StatusOK, object{"value": f.federated})
	case strings.HasSuffix(r.URL.Path, "/removePassword"):
		f.removed = append(f.removed, fmt.Sprint(body["keyId"]))
		w.WriteHeader(http.StatusNoContent)
	case f.application == nil:
		answer(http.StatusNotFound, object{"error": object{"code": "Request_ResourceNotFound"}})
	default:
		answer(http.StatusOK, f.application)
	}
}

func passwordOf(keyID, name string, end time.Time) object {
	return object{"keyId": keyID, "displayName": name, "startDateTime": now.Add(-24 * time.Hour), "endDateTime": end}
}

func secretOf(stages map[string]string, enabled bool, next time.Time) object {
	versions := map[string][]string{}
	for stage, version := range stages {
		versions[version] = append(versions[version], stage)
	}
	return object{
		"ARN": arn, "RotationEnabled": enabled, "VersionIdsToStages": versions,
		"NextRotationDate": next.Unix(), "RotationLambdaARN": "arn:aws:lambda:eu-west-1:111122223333:function:rotator",
	}
}

func TestWhatIsWrongIsListed(t *testing.T) {
	t.Parallel()
	far, current := now.AddDate(0, 0, 150), map[string]string{"AWSCURRENT": version1}
	good := object{"id": "a", "passwordCredentials": []object{passwordOf("k1", rotate.CredentialName(version1), far)}}
	for name, tc := range map[string]struct {
		kind access.CredentialKind
		fake fake
		want []string
		more func(*testing.T, Credential)
	}{
		"all is well": {access.CredentialSecret, fake{application: good, secret: secretOf(current, true, far)}, nil, func(t *testing.T, c Credential) {
			require.Equal(t, "k1", c.KeyID)
			require.Equal(t, 1, c.Valid)
			require.Equal(t, far, *c.Expires)
		}},
		"no application":        {access.CredentialSecret, fake{secret: secretOf(current, true, far)}, []string{"the application does not exist"}, nil},
		"no secret":             {access.CredentialSecret, fake{application: good}, []string{"the secret does not exist"}, nil},
		"never rotated":         {access.CredentialSecret, fake{application: good, secret: secretOf(nil, true, far)}, []string{"it was never rotated: the rotation function's log says why"}, nil},
		"rotation is off":       {access.CredentialSecret, fake{application: good, secret: secretOf(current, false, far)}, []string{"rotation is not enabled"}, nil},
		"rotation is late":      {access.CredentialSecret, fake{application: good, secret: secretOf(current, true, now.AddDate(0, 0, -1))}, nil, nil},
		"rotation is overdue":   {access.CredentialSecret, fake{application: good, secret: secretOf(current, true, now.AddDate(0, 0, -3))}, []string{"rotation is overdue since 2026-02-26"}, nil},
		"Entra has another one": {access.CredentialSecret, fake{application: good, secret: secretOf(map[string]string{"AWSCURRENT": version2}, true, far)}, []string{"Entra does not have the secret that is current"}, nil},
		"one that nobody manages": {access.CredentialSecret, fake{
			application: object{"id": "a", "passwordCredentials": []object{
				passwordOf("k1", rotate.CredentialName(version1), far), passwordOf("byhand", "by hand", now.AddDate(0, 0, -1)),
			}}, secret: secretOf(current, true, far),
		}, nil, func(t *testing.T, c Credential) {
			require.Equal(t, []string{"byhand"}, c.Foreign)
			require.Equal(t, 1, c.Valid, "that has ended")
		}},
		"it ends soon": {access.CredentialSecret, fake{
			application: object{"id": "a", "passwordCredentials": []object{passwordOf("k1", rotate.CredentialName(version1), now.AddDate(0, 0, 44))}},
			secret:      secretOf(current, true, far),
		}, []string{"it ends on 2026-04-14"}, nil},
		"it has ended": {access.CredentialSecret, fake{
			application: object{"id": "a", "passwordCredentials": []object{passwordOf("k1", rotate.CredentialName(version1), now)}},
			secret:      secretOf(current, true, far),
		}, []string{"it ended on 2026-03-01"}, nil},
		"a certificate that is gone": {access.CredentialCertificate, fake{application: object{"id": "a"}}, []string{"Entra has no certificate"}, nil},
		"the certificate that ends last": {access.CredentialCertificate, fake{application: object{"id": "a", "keyCredentials": []object{
			{"keyId": "old", "endDateTime": now.AddDate(0, 0, -9)}, {"keyId": "new", "endDateTime": far},
		}}}, nil, func(t *testing.T, c Credential) { require.Equal(t, "new", c.KeyID) }},
		"no federated credential": {access.CredentialFederated, fake{application: object{"id": "a"}}, []string{"Entra has no federated credential"}, nil},
		"a secret beside federation": {access.CredentialFederated, fake{
			application: object{"id": "a", "passwordCredentials": []object{passwordOf("byhand", "", far)}},
			federated:   []object{{"id": "f", "issuer": "https://i", "subject": "s"}},
		}, nil, func(t *testing.T, c Credential) {
			require.Equal(t, []string{"byhand"}, c.Foreign)
			require.Equal(t, "https://i s", c.Issuer+" "+c.Subject)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := List(t.Context(), tc.fake.clouds(t), map[string]Declared{"export": {Kind: tc.kind, ClientID: "c", SecretARN: arn}}, now)
			require.NoError(t, err)
			require.Len(t, found, 1)
			require.Equal(t, tc.want, found[0].Problems)
			if tc.more != nil {
				tc.more(t, found[0])
			}
		})
	}
}

func work(t *testing.T, f *fake) Work {
	t.Helper()
	return Work{
		Clouds: f.clouds(t), Declared: map[string]Declared{"export": {Kind: access.CredentialSecret, ClientID: "c", SecretARN: arn}},
		Now: func() time.Time { return now }, Poll: time.Millisecond, Patience: time.Minute, Progress: t.Logf,
	}
}

func TestRotating(t *testing.T) {
	t.Parallel()
	far := now.AddDate(0, 0, 200)
	begin := func() *fake {
		return &fake{
			application: object{"id": "a", "passwordCredentials": []object{
				passwordOf("k1", rotate.CredentialName(version1), far), passwordOf("k2", rotate.CredentialName(version2), far),
				passwordOf("byhand", "by hand", far),
			}},
			secret: secretOf(map[string]string{"AWSCURRENT": version1}, true, far),
			onRotate: func(f *fake) string {
				f.secret = secretOf(map[string]string{"AWSCURRENT": version2, "AWSPREVIOUS": version1}, true, far)
				return ""
			},
		}
	}
	t.Run("what was before stays", func(t *testing.T) {
		t.Parallel()
		f := begin()
		done, err := work(t, f).Rotate(t.Context(), "export", false)
		require.NoError(t, err)
		require.Equal(t, Rotation{Client: "export", SecretARN: arn, Version: version2, KeyID: "k2", Expires: &far}, done)
		require.Empty(t, f.removed)
	})
	t.Run("what was before is revoked, and nothing else", func(t *testing.T) {
		t.Parallel()
		f := begin()
		done, err := work(t, f).Rotate(t.Context(), "export", true)
		require.NoError(t, err)
		require.Equal(t, []string{"k1"}, done.Revoked)
		require.Equal(t, []string{"k1"}, f.removed)
	})
	t.Run("one that failed is tried again until it is done", func(t *testing.T) {
		t.Parallel()
		f := begin()
		rotate := f.onRotate
		f.secret = secretOf(map[string]string{"AWSCURRENT": version1, "AWSPENDING": version2}, true, far)
		f.onRotate = func(f *fake) string {
			if f.rotations == 3 {
				rotate(f)
			}
			return "InvalidRequestException"
		}
		done, err := work(t, f).Rotate(t.Context(), "export", false)
		require.NoError(t, err)
		require.Equal(t, version2, done.Version)
		require.Equal(t, 3, f.rotations)
	})
	t.Run("nothing is revoked while Entra does not show the new one", func(t *testing.T) {
		t.Parallel()
		f := begin()
		f.application = object{"id": "a", "passwordCredentials": []object{passwordOf("k1", rotate.CredentialName(version1), far)}}
		_, err := work(t, f).Rotate(t.Context(), "export", true)
		require.ErrorContains(t, err, "nothing was revoked")
		require.Empty(t, f.removed)
	})
	t.Run("it does not wait for ever", func(t *testing.T) {
		t.Parallel()
		f := begin()
		f.onRotate = func(*fake) string { return "" }
		w := work(t, f)
		w.Patience = 0
		_, err := w.Rotate(t.Context(), "export", false)
		require.ErrorContains(t, err, "the log of function arn:aws:lambda")
	})
	t.Run("a client without a secret", func(t *testing.T) {
		t.Parallel()
		_, err := work(t, begin()).Rotate(t.Context(), "portal", false)
		require.ErrorContains(t, err, `client: got "portal", want one whose secret is rotated: export`)
	})
}

func TestTheRotatorComesFirst(t *testing.T) {
	t.Parallel()
	secret := Declared{Kind: access.CredentialSecret}
	require.Equal(t, []string{"rotator", "a", "z"}, Names(map[string]Declared{
		"z": secret, "rotator": secret, "a": secret, "f": {Kind: access.CredentialFederated},
	}))
	require.Empty(t, Names(nil))
}
