package sts

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// FuzzTokenRequest looks for requests that are taken and ask for what no token
// may be.
func FuzzTokenRequest(f *testing.F) {
	f.Add("Audience.member.1=api%3A%2F%2Fx&SigningAlgorithm=RS256&DurationSeconds=60")
	f.Add("Audience.member.1=a&Audience.member.2=b&SigningAlgorithm=ES384&Tags.member.1.Key=k&Tags.member.1.Value=v")
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			t.Skip()
		}
		q, err := readTokenRequest(form)
		if err != nil {
			require.IsType(t, &wire.Error{}, err)
			return
		}
		require.NotEmpty(t, q.audiences)
		require.NotContains(t, q.audiences, "")
		require.Contains(t, algorithms, q.algorithm)
		require.GreaterOrEqual(t, q.duration, time.Minute)
		require.LessOrEqual(t, q.duration, time.Hour)
		require.LessOrEqual(t, len(q.tags), maxTags)
	})
}
