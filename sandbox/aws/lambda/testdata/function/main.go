// Command function is what tests run as a Lambda function. The event says what
// it does.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type event struct {
	Do   string `json:"do"`
	Text string `json:"text"`
	N    int    `json:"n"`
}

var calls int

func handle(ctx context.Context, e event) (any, error) {
	calls++
	switch e.Do {
	case "fail":
		return nil, errors.New(e.Text)
	case "panic":
		panic(e.Text)
	case "exit":
		os.Exit(e.N)
	case "sleep": // longer than any deadline
		select {}
	case "wait": // until the file is there; tells that it waits
		if err := os.WriteFile(e.Text+".seen", nil, 0o600); err != nil {
			return nil, err
		}
		for {
			if _, err := os.Stat(e.Text); err == nil {
				return calls, nil
			}
			time.Sleep(time.Millisecond)
		}
	case "print":
		fmt.Println(e.Text)
		fmt.Fprint(os.Stderr, "no line end")
	case "flood":
		chunk := strings.Repeat("x", 1<<20)
		for range e.N {
			fmt.Print(chunk)
		}
		fmt.Println()
	case "large":
		return strings.Repeat("x", e.N), nil
	case "environment":
		return os.Environ(), nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		folder, err := os.Getwd()
		return map[string]any{
			"arn": lc.InvokedFunctionArn, "id": lc.AwsRequestID, "left": time.Until(deadline).Seconds(), "folder": folder,
			"trace": os.Getenv("_X_AMZN_TRACE_ID"), "client": lc.ClientContext.Custom,
		}, err
	}
	return map[string]any{"calls": calls, "pid": os.Getpid(), "text": e.Text}, nil
}

func main() {
	switch os.Getenv("AT_START") {
	case "exit":
		os.Exit(3)
	case "panic":
		panic("at start")
	case "hang":
		select {}
	}
	lambda.Start(handle)
}
