// Command function is what tests run as a Lambda function: it tells who it is,
// or it rotates a secret, in the simplest way that Secrets Manager accepts.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

type event struct {
	Step               string
	SecretID           string `json:"SecretId"`
	ClientRequestToken string
	Audience           string
}

type answer struct {
	ARN   string
	PID   int
	Token string
}

// handle keeps nothing between invocations: clients included, so that each
// begins with the clock of the machine.
func handle(ctx context.Context, e event) (any, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	if e.Step != "" {
		return nil, rotate(ctx, secretsmanager.NewFromConfig(cfg), e)
	}
	client := sts.NewFromConfig(cfg)
	who, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, err
	}
	if e.Audience == "" {
		return answer{ARN: *who.Arn, PID: os.Getpid()}, nil
	}
	token, err := client.GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{
		Audience: []string{e.Audience}, SigningAlgorithm: aws.String("RS256"),
	})
	if err != nil {
		return nil, err
	}
	return answer{ARN: *who.Arn, PID: os.Getpid(), Token: *token.WebIdentityToken}, nil
}

func rotate(ctx context.Context, client *secretsmanager.Client, e event) error {
	switch e.Step {
	case "createSecret":
		_, err := client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{
			SecretId: &e.SecretID, ClientRequestToken: &e.ClientRequestToken, VersionStages: []string{"AWSPENDING"},
			SecretString: aws.String("value of " + e.ClientRequestToken),
		})
		return err
	case "testSecret":
		_, err := client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{
			SecretId: &e.SecretID, VersionId: &e.ClientRequestToken, VersionStage: aws.String("AWSPENDING"),
		})
		return err
	case "finishSecret":
		return finish(ctx, client, e)
	}
	return nil
}

func finish(ctx context.Context, client *secretsmanager.Client, e event) error {
	secret, err := client.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &e.SecretID})
	if err != nil {
		return err
	}
	move := &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &e.SecretID, VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: &e.ClientRequestToken,
	}
	for id, stages := range secret.VersionIdsToStages {
		for _, stage := range stages {
			if stage == "AWSCURRENT" && id != e.ClientRequestToken {
				move.RemoveFromVersionId = &id
			}
		}
	}
	if _, err = client.UpdateSecretVersionStage(ctx, move); err != nil {
		return err
	}
	if _, err = client.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{
		SecretId: &e.SecretID, VersionStage: aws.String("AWSPENDING"), RemoveFromVersionId: &e.ClientRequestToken,
	}); err != nil {
		return fmt.Errorf("taking AWSPENDING off: %w", err)
	}
	return nil
}

func main() { lambda.Start(handle) }
