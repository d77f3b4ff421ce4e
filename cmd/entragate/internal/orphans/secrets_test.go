package orphans

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	sdk "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/components"
	"github.com/entragate/entragate/sandbox/aws/secretsmanager"
)

// rotated is a secret that is being rotated for the first time. The function is
// called with the client, and its steps end when it returns.
func rotated(t *testing.T, function func(client *sdk.Client, step, arn, token string) error, asked func(operation string),
) (client *sdk.Client, arn string) {
	t.Helper()
	service, err := secretsmanager.New(secretsmanager.Options{
		Account: "000000000000", Region: region, Now: time.Now,
		Invoke: func(_ context.Context, _, _ string, payload []byte) ([]byte, error) {
			var event struct {
				Step               string
				SecretID           string `json:"SecretId"`
				ClientRequestToken string
			}
			if err := json.Unmarshal(payload, &event); err != nil {
				return nil, err
			}
			return nil, function(client, event.Step, event.SecretID, event.ClientRequestToken)
		},
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, service.Close()) })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked(strings.TrimPrefix(r.Header.Get("X-Amz-Target"), secretsmanager.Target))
		service.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	client = sdk.New(sdk.Options{
		Region: region, BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})
	secret, err := client.CreateSecret(t.Context(), &sdk.CreateSecretInput{Name: aws.String("web"), Tags: []types.Tag{
		{Key: aws.String(components.TagProject), Value: &stack.Project}, {Key: aws.String(components.TagStack), Value: &stack.Name},
	}})
	require.NoError(t, err)
	rotate(t, client, *secret.ARN)
	return client, *secret.ARN
}

func rotate(t *testing.T, client *sdk.Client, arn string) {
	t.Helper()
	_, err := client.RotateSecret(t.Context(), &sdk.RotateSecretInput{
		SecretId: &arn, RotationLambdaARN: aws.String(rotateARN),
		RotationRules: &types.RotationRulesType{AutomaticallyAfterDays: aws.Int64(30)},
	})
	require.NoError(t, err)
}

// working does what a rotation function does.
func working(client *sdk.Client, step, arn, token string) error {
	var err error
	switch step {
	case "createSecret":
		_, err = client.PutSecretValue(context.Background(), &sdk.PutSecretValueInput{
			SecretId: &arn, ClientRequestToken: &token, SecretString: aws.String("{}"), VersionStages: []string{"AWSPENDING"},
		})
	case "finishSecret":
		_, err = client.UpdateSecretVersionStage(context.Background(), &sdk.UpdateSecretVersionStageInput{
			SecretId: &arn, VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: &token,
		})
		if err == nil {
			_, err = client.UpdateSecretVersionStage(context.Background(), &sdk.UpdateSecretVersionStageInput{
				SecretId: &arn, VersionStage: aws.String("AWSPENDING"), RemoveFromVersionId: &token,
			})
		}
	}
	return err
}

func isMine(tags map[string]string) bool { return tags[components.TagStack] == stack.Name }

func TestARotationUnderWayEndsBeforeItIsCancelled(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	release := sync.OnceFunc(func() { close(goOn) })
	var looks atomic.Int32
	function := func(client *sdk.Client, step, arn, token string) error {
		<-goOn
		return working(client, step, arn, token)
	}
	asked := func(operation string) {
		if operation == "DescribeSecret" && looks.Add(1) == 4 { // the first one is that of the list
			release()
		}
	}
	client, arn := rotated(t, function, asked)
	t.Cleanup(release)
	objects, err := secretObjects(t.Context(), client, isMine)
	require.NoError(t, err)
	require.Equal(t, [][2]string{{typeSecret, arn}, {typeRotation, arn}}, found(objects))

	require.NoError(t, cancelRotation(t.Context(), client, arn, polling{every: time.Millisecond, most: time.Minute}))
	secret, err := client.DescribeSecret(t.Context(), &sdk.DescribeSecretInput{SecretId: &arn})
	require.NoError(t, err)
	require.False(t, *secret.RotationEnabled)
	require.False(t, rotating(secret.VersionIdsToStages))
	objects, err = secretObjects(t.Context(), client, isMine)
	require.NoError(t, err)
	require.Equal(t, [][2]string{{typeSecret, arn}}, found(objects))
	rotate(t, client, arn) // so that the next run can begin another
}

func TestARotationThatGoesOnFailingIsCancelledAllTheSame(t *testing.T) {
	t.Parallel()
	failing := func(*sdk.Client, string, string, string) error { return errors.New("no") }
	client, arn := rotated(t, failing, func(string) {})
	require.NoError(t, cancelRotation(t.Context(), client, arn, polling{every: time.Millisecond, most: 10 * time.Millisecond}))
	secret, err := client.DescribeSecret(t.Context(), &sdk.DescribeSecretInput{SecretId: &arn})
	require.NoError(t, err)
	require.False(t, *secret.RotationEnabled)
}

func TestWaitingForARotationCanBeInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	failing := func(*sdk.Client, string, string, string) error { return errors.New("no") }
	client, arn := rotated(t, failing, func(operation string) {
		if operation == "DescribeSecret" {
			cancel()
		}
	})
	require.ErrorIs(t, cancelRotation(ctx, client, arn, polling{every: time.Minute, most: time.Minute}), context.Canceled)
	secret, err := client.DescribeSecret(t.Context(), &sdk.DescribeSecretInput{SecretId: &arn})
	require.NoError(t, err)
	require.True(t, *secret.RotationEnabled)
}
