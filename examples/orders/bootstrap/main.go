// The orders service as a Lambda function behind an HTTP API, payload format
// 2.0. Each instance of the function keeps its own orders, as befits an example.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"github.com/entragate/entragate/examples/orders"
)

func main() { lambda.Start(httpadapter.NewV2(orders.New(nil)).ProxyWithContext) }
