package secretsmanager

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// FuzzRequest looks for requests that end in a fault, and for states that no
// requests should lead to.
func FuzzRequest(f *testing.F) {
	const token = `"ClientRequestToken":"0123456789abcdef0123456789abcdef"`
	f.Add("CreateSecret", `{"Name":"new","SecretString":"v",`+token+`,"Tags":[{"Key":"a","Value":"b"}]}`)
	f.Add("UpdateSecret", `{"SecretId":"web","SecretBinary":"AAEC",`+token+`}`)
	f.Add("PutSecretValue", `{"SecretId":"web","SecretString":"w",`+token+`,"VersionStages":["AWSPENDING","a"]}`)
	f.Add("GetSecretValue", `{"SecretId":"web","VersionStage":"AWSCURRENT"}`)
	f.Add("UpdateSecretVersionStage", `{"SecretId":"web","VersionStage":"AWSCURRENT","MoveToVersionId":"11111111111111111111111111111111","RemoveFromVersionId":"22222222222222222222222222222222"}`)
	f.Add("ListSecrets", `{"Filters":[{"Key":"all","Values":["!a b"]}],"SortBy":"name","SortOrder":"desc","MaxResults":1}`)
	f.Add("ListSecretVersionIds", `{"SecretId":"web","IncludeDeprecated":true,"NextToken":"x"}`)
	f.Add("DeleteSecret", `{"SecretId":"web","RecoveryWindowInDays":7}`)
	f.Add("PutResourcePolicy", `{"SecretId":"web","ResourcePolicy":"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\",\"Principal\":\"*\",\"Action\":\"*\",\"Resource\":\"*\"}}"}`)
	f.Add("RotateSecret", `{"SecretId":"web","RotationLambdaARN":"l","RotationRules":{"ScheduleExpression":"cron(0 4/12 L 1-3 ? *)","Duration":"3h"},`+token+`}`)
	f.Add("GetRandomPassword", `{"PasswordLength":4,"ExcludeCharacters":"abc","RequireEachIncludedType":false}`)
	f.Add("TagResource", `{"SecretId":"web","Tags":[{"Key":"a","Value":"b"}]}`)
	f.Add("CancelRotateSecret", `{"SecretId":1}`)
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, operation, body string) {
		service, err := New(Options{Account: "123456789012", Region: "eu-west-1", Now: func() time.Time { return now }})
		require.NoError(t, err)
		defer func() { require.NoError(t, service.Close()) }()
		for _, each := range [][2]string{
			{"CreateSecret", `{"Name":"web","SecretString":"1","ClientRequestToken":"11111111111111111111111111111111"}`},
			{"PutSecretValue", `{"SecretId":"web","SecretString":"2","ClientRequestToken":"22222222222222222222222222222222"}`},
			{operation, body},
		} {
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(each[1]))
			r.Header.Set("X-Amz-Target", Target+each[0])
			w := httptest.NewRecorder()
			service.ServeHTTP(w, r)
			require.True(t, json.Valid(w.Body.Bytes()))
			require.NotEqual(t, http.StatusInternalServerError, w.Code, w.Body.String())
		}
		service.state.View(func(all *State) {
			for name, secret := range all.Secrets {
				require.NoError(t, consistent(secret), name)
			}
		})
	})
}

// consistent reports whether a label is on one version only, and the current
// version has a value.
func consistent(secret *Secret) error {
	labels := map[string]bool{}
	for _, version := range secret.Versions {
		for _, stage := range version.Stages {
			if labels[stage] {
				return errors.New("twice: " + stage)
			}
			labels[stage] = true
		}
		if version.empty() && slices.Contains(version.Stages, current) {
			return errors.New("the current version is empty")
		}
	}
	return nil
}
