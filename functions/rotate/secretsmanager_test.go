package rotate

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSecretsManagerCalls(t *testing.T) {
	t.Parallel()
	a := newAnswers(t)
	var requests []string
	answer := ""
	a.aws = func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		requests = append(requests, strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager.")+" "+string(body))
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = io.WriteString(w, answer)
	}
	s := NewClouds(a.config(), a.account()).Secrets
	answer = `{"ARN":"` + arn + `","RotationEnabled":true,"LastRotatedDate":1.7e9,"NextRotationDate":1.8e9,
		"Tags":[{"Key":"entragate:clientId","Value":"c"}],"VersionIdsToStages":{"v1":["AWSCURRENT","AWSPENDING"],"v2":["AWSPREVIOUS"]}}`
	secret, err := s.Describe(t.Context(), arn)
	require.NoError(t, err)
	require.Equal(t, "v1", secret.labelled(Current))
	require.Equal(t, "v1", secret.labelled(Pending))
	require.Equal(t, "v2", secret.labelled(Previous))
	require.Equal(t, map[string]string{ClientIDTag: "c"}, secret.Tags)
	require.True(t, secret.RotationEnabled)
	require.Equal(t, int64(1_700_000_000), secret.LastRotated.Unix())
	require.Equal(t, int64(1_800_000_000), secret.NextRotation.Unix())
	answer = `{"SecretString":"{}"}`
	value, err := s.Value(t.Context(), arn, "", Current)
	require.NoError(t, err)
	require.Equal(t, Hidden("{}"), value)
	_, err = s.Value(t.Context(), arn, "v1", "")
	require.NoError(t, err)
	answer = "{}"
	require.NoError(t, s.Put(t.Context(), arn, "v3", "x"))
	require.NoError(t, s.MoveStage(t.Context(), arn, Current, "v3", "v1"))
	require.NoError(t, s.MoveStage(t.Context(), arn, Pending, "", "v3"))
	for n, want := range []string{
		`DescribeSecret {"SecretId":"` + arn + `"}`,
		`GetSecretValue {"SecretId":"` + arn + `","VersionStage":"AWSCURRENT"}`,
		`GetSecretValue {"SecretId":"` + arn + `","VersionId":"v1"}`,
		`PutSecretValue {"SecretId":"` + arn + `","ClientRequestToken":"v3","SecretString":"x","VersionStages":["AWSPENDING"]}`,
		`UpdateSecretVersionStage {"SecretId":"` + arn + `","VersionStage":"AWSCURRENT","MoveToVersionId":"v3","RemoveFromVersionId":"v1"}`,
		`UpdateSecretVersionStage {"SecretId":"` + arn + `","VersionStage":"AWSPENDING","RemoveFromVersionId":"v3"}`,
	} {
		wantName, wantBody, _ := strings.Cut(want, " ")
		name, body, _ := strings.Cut(requests[n], " ")
		require.Equal(t, wantName, name)
		require.JSONEq(t, wantBody, body)
	}
}

func TestSecretsManagerRefusals(t *testing.T) {
	t.Parallel()
	for code, tt := range map[string]struct {
		status            int
		temporary, absent bool
	}{
		"ResourceNotFoundException": {400, false, true},
		"ThrottlingException":       {400, true, false},
		"InternalServiceError":      {500, true, false},
		"ServiceUnavailable":        {503, true, false},
		"AccessDeniedException":     {400, false, false},
		"InvalidRequestException":   {400, false, false},
		"ResourceExistsException":   {400, false, false},
		"DecryptionFailure":         {400, false, false},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			a := newAnswers(t)
			sent := 0
			a.aws = func(w http.ResponseWriter, _ *http.Request) {
				sent++
				w.Header().Set("Content-Type", "application/x-amz-json-1.1")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, `{"__type":"`+code+`","Message":"no"}`)
			}
			s := newSecretsManager(a.account())
			const secret = "abc8Q~secret"
			_, describe := s.Describe(t.Context(), arn)
			_, value := s.Value(t.Context(), arn, "v", Pending)
			for _, err := range []error{describe, value, s.Put(t.Context(), arn, "v", secret), s.MoveStage(t.Context(), arn, Pending, "", "v")} {
				require.ErrorContains(t, err, code)
				require.NotContains(t, err.Error(), secret)
				requireTemporary(t, tt.temporary, err)
			}
			require.Equal(t, tt.absent, strings.Contains(value.Error(), ErrNoValue.Error()))
			require.Equal(t, 4, sent, "each is sent once")
			a.Close()
			_, err := s.Describe(t.Context(), arn)
			requireTemporary(t, true, err)
		})
	}
}
