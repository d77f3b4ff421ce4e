package aws_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws"
)

// TestTheAWSCLIWorksAsIs crosses the real command line, which has its own
// signer and serializers, with every protocol and the odd names in paths.
func TestTheAWSCLIWorksAsIs(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("aws")
	if err != nil {
		t.Skip("SKIPPED, NOT TESTED: the AWS CLI is not installed")
	}
	_, url := open(t, "")
	home := t.TempDir()
	run := func(args ...string) (map[string]any, error) {
		command := exec.CommandContext(t.Context(), path, args...)
		command.Env = []string{
			"PATH=" + os.Getenv("PATH"), "HOME=" + home, "AWS_ENDPOINT_URL=" + url, "AWS_DEFAULT_REGION=" + region,
			"AWS_ACCESS_KEY_ID=" + aws.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + aws.SecretAccessKey,
			"AWS_DEFAULT_OUTPUT=json", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=", "AWS_EC2_METADATA_DISABLED=true",
		}
		for _, name := range []string{"PYENV_ROOT", "PYENV_VERSION"} { // for an aws that is a shim
			if value, ok := os.LookupEnv(name); ok {
				command.Env = append(command.Env, name+"="+value)
			}
		}
		out, err := command.Output()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			err = fmt.Errorf("aws %v: %s", args, exit.Stderr)
		}
		if err != nil {
			return nil, err
		}
		answer := map[string]any{}
		if len(out) > 0 {
			err = json.Unmarshal(out, &answer)
		}
		return answer, err
	}
	must := func(args ...string) map[string]any {
		t.Helper()
		answer, err := run(args...)
		require.NoError(t, err)
		return answer
	}

	require.Equal(t, "000000000000", must("sts", "get-caller-identity")["Account"])
	id := must("apigatewayv2", "create-api", "--name", "n", "--protocol-type", "HTTP")["ApiId"].(string)
	must("apigatewayv2", "create-route", "--api-id", id, "--route-key", "GET /orders/{id}")
	must("apigatewayv2", "create-stage", "--api-id", id, "--stage-name", "$default", "--auto-deploy",
		"--route-settings", `{"GET /orders/{id}":{"ThrottlingBurstLimit":5}}`)
	must("apigatewayv2", "delete-route-settings", "--api-id", id, "--stage-name", "$default", "--route-key", "GET /orders/{id}")
	arn := "arn:aws:apigateway:" + region + "::/apis/" + id + "/stages/$default"
	must("apigatewayv2", "tag-resource", "--resource-arn", arn, "--tags", "a-b=c/d")
	require.Equal(t, map[string]any{"Tags": map[string]any{"a-b": "c/d"}}, must("apigatewayv2", "get-tags", "--resource-arn", arn))
	must("logs", "create-log-group", "--log-group-name", "/g")
	require.Len(t, must("logs", "describe-log-groups")["logGroups"], 1)
	require.Len(t, must("resourcegroupstaggingapi", "get-resources")["ResourceTagMappingList"], 1)
	role := must("iam", "create-role", "--role-name", "r", "--assume-role-policy-document", lambdaTrust)["Role"].(map[string]any)
	zipped := filepath.Join(home, "f.zip")
	require.NoError(t, os.WriteFile(zipped, functionZip(t), 0o600))
	must("lambda", "create-function", "--function-name", "f", "--runtime", "provided.al2023", "--handler", "bootstrap", "--role", role["Arn"].(string),
		"--zip-file", "fileb://"+zipped, "--architectures", string(hostArchitecture()))
	event, answered := filepath.Join(home, "event"), filepath.Join(home, "answer")
	require.NoError(t, os.WriteFile(event, []byte(`{"text":"hello"}`), 0o600))
	must("lambda", "invoke", "--function-name", "f", "--payload", "fileb://"+event, answered)
	answer, err := os.ReadFile(answered)
	require.NoError(t, err)
	require.Contains(t, string(answer), `"text":"hello"`)
	must("lambda", "tag-resource", "--resource", "arn:aws:lambda:"+region+":000000000000:function:f", "--tags", "a-b=c/d")
	must("lambda", "delete-function", "--function-name", "f")

	_, err = run("apigatewayv2", "create-route", "--api-id", id, "--route-key", "orders")
	require.ErrorContains(t, err, "(BadRequestException) when calling the CreateRoute operation: The provided route key is not formatted properly")
}
