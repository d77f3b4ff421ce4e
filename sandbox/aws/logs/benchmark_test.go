package logs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/logs"
)

// accessLine is one line of an access log, of about 900 bytes; each tenth is
// of a refusal.
func accessLine(i int) string {
	status := 200
	if i%10 == 0 {
		status = 401 + i%20/10*2
	}
	var b strings.Builder
	fmt.Fprintf(&b, `{"path":"/orders/%d","authorizerError":"-","requestId":"id-%d","status":"%d"`, i, i, status)
	for k := range 24 {
		fmt.Fprintf(&b, `,"memberNumber%02d":"value %d of %d"`, k, k, i)
	}
	return b.String() + "}"
}

// fill writes n lines, a millisecond apart.
func fill(tb testing.TB, service *logs.Service, n int) {
	tb.Helper()
	lines := make([]logs.Line, n)
	for i := range lines {
		lines[i] = logs.Line{At: start.Add(time.Duration(i) * time.Millisecond), Text: accessLine(i)}
	}
	require.NoError(tb, service.Append("/g", "s", true, lines))
}

// BenchmarkFilterLogEvents reads 50,000 lines with a real client.
func BenchmarkFilterLogEvents(b *testing.B) {
	world := newBench(b, b.TempDir())
	fill(b, world.service, 50_000)
	for name, pattern := range map[string]string{"all": "", "refused": `{ $.status = "4*" }`} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				pages := cloudwatchlogs.NewFilterLogEventsPaginator(world.Client, &cloudwatchlogs.FilterLogEventsInput{
					LogGroupName: aws.String("/g"), FilterPattern: &pattern,
				})
				for pages.HasMorePages() {
					_, err := pages.NextPage(b.Context())
					require.NoError(b, err)
				}
			}
		})
	}
}

// BenchmarkDeliver writes lines that twenty metric filters look at.
func BenchmarkDeliver(b *testing.B) {
	world := newBench(b, b.TempDir())
	world.group("/g")
	for i := range 20 {
		world.filter("/g", fmt.Sprint("f", i), `{ $.status = "4*" && $.authorizerError != "*expired*" }`, zero)
	}
	for i := 0; b.Loop(); i++ {
		require.NoError(b, world.service.Deliver(prefix+"/g", "s", start, accessLine(i)))
	}
}
