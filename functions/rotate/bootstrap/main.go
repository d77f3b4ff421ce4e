// Bootstrap is the program of the rotation function: package rotate, set up from
// the environment. Lambda starts it on provided.al2023 by this name.
// https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/entragate/entragate/functions/rotate"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	rotator, err := open(context.Background(), log)
	if err != nil {
		// Lambda reports an exit before the first event as an error of
		// initialisation.
		log.Error("the rotation function cannot start", slog.String("error", err.Error()))
		os.Exit(1)
	}
	lambda.Start(rotator.Handle)
}

func open(ctx context.Context, log *slog.Logger) (*rotate.Rotator, error) {
	settings, err := rotate.ReadConfig(os.Getenv)
	if err != nil {
		return nil, err
	}
	account, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return rotate.New(settings, rotate.NewClouds(settings, account), rotate.Options{Log: log})
}
