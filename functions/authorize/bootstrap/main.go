// Bootstrap is the program of the Lambda authorizer: package authorize, set up
// from the environment and the policy.json beside it. Lambda starts it on
// provided.al2023 by this name.
// https://docs.aws.amazon.com/lambda/latest/dg/golang-package.html
package main

import (
	"log/slog"
	"os"
	"path/filepath"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/entragate/entragate/functions/authorize"
)

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level(os.Getenv("AWS_LAMBDA_LOG_LEVEL"))}))
	authorizer, err := open(log)
	if err != nil {
		// Lambda reports an exit before the first event as an error of
		// initialisation.
		log.Error("the authorizer cannot start", slog.String("error", err.Error()))
		os.Exit(1)
	}
	lambda.Start(authorizer.Handle)
}

func open(log *slog.Logger) (*authorize.Authorizer, error) {
	folder, err := programFolder()
	if err != nil {
		return nil, err
	}
	config, err := authorize.ReadConfig(os.Getenv, folder)
	if err != nil {
		return nil, err
	}
	return authorize.New(config, authorize.Options{Log: log})
}

// programFolder is where Lambda unpacked the archive.
func programFolder() (string, error) {
	if folder := os.Getenv("LAMBDA_TASK_ROOT"); folder != "" {
		return folder, nil
	}
	program, err := os.Executable()
	return filepath.Dir(program), err
}

// level reads the log level that is set on the function, whose names are
// slog's but for TRACE and FATAL.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
func level(name string) slog.Level {
	switch name {
	case "TRACE", "DEBUG":
		return slog.LevelDebug
	case "WARN":
		return slog.LevelWarn
	case "ERROR", "FATAL":
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}
