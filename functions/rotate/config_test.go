package rotate

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReadConfig(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		GraphURLVariable: "https://graph.microsoft.com", LifetimeVariable: "211", IntervalVariable: "90", OverlapVariable: "31",
		ClientIDVariable: rotatorID, AuthorityVariable: authority,
	}
	for name, tt := range map[string]struct {
		change map[string]string
		want   []string // none means that it is right
	}{
		"right":                         {nil, nil},
		"right with a secret":           {map[string]string{SecretARNVariable: ownARN}, nil},
		"right on a port":               {map[string]string{GraphURLVariable: "https://localhost:8443", AuthorityVariable: "https://localhost:8443/" + tenantID}, nil},
		"right in China":                {map[string]string{SecretARNVariable: "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:a/b-AbCdEf"}, nil},
		"the longest interval":          {map[string]string{LifetimeVariable: "91", IntervalVariable: "30"}, nil},
		"an interval too long":          {map[string]string{LifetimeVariable: "210"}, []string{"INTERVAL_DAYS: got 90 days with a lifetime of 210 days, want at most (lifetime - 31 days) / 2"}},
		"an overlap too long":           {map[string]string{OverlapVariable: "122"}, []string{"OVERLAP_DAYS: got 122 days, want at most lifetime - interval, 121 days"}},
		"no lifetime":                   {map[string]string{LifetimeVariable: ""}, []string{`LIFETIME_DAYS: got ""`}},
		"half a day":                    {map[string]string{IntervalVariable: "0.5"}, []string{`INTERVAL_DAYS: got "0.5", want a number of days`}},
		"no days":                       {map[string]string{OverlapVariable: "0"}, []string{`OVERLAP_DAYS: got "0"`}},
		"days before":                   {map[string]string{OverlapVariable: "-1"}, []string{`OVERLAP_DAYS: got "-1"`}},
		"days for ever":                 {map[string]string{LifetimeVariable: "3651"}, []string{"LIFETIME_DAYS: got"}},
		"no Graph":                      {map[string]string{GraphURLVariable: ""}, []string{`GRAPH_URL: got ""`}},
		"Graph without TLS":             {map[string]string{GraphURLVariable: "http://graph.microsoft.com"}, []string{"GRAPH_URL"}},
		"Graph with a version":          {map[string]string{GraphURLVariable: "https://graph.microsoft.com/v1.0"}, []string{"GRAPH_URL"}},
		"Graph with a slash":            {map[string]string{GraphURLVariable: "https://graph.microsoft.com/"}, []string{"GRAPH_URL"}},
		"Graph of no address":           {map[string]string{GraphURLVariable: "https:// /"}, []string{"GRAPH_URL"}},
		"no client":                     {map[string]string{ClientIDVariable: ""}, []string{"ROTATOR_CLIENT_ID"}},
		"a client in upper case":        {map[string]string{ClientIDVariable: "AAAAAAAA-2222-4222-8222-222222222222"}, []string{"ROTATOR_CLIENT_ID"}},
		"no authority":                  {map[string]string{AuthorityVariable: ""}, []string{"ROTATOR_AUTHORITY"}},
		"authority of all tenants":      {map[string]string{AuthorityVariable: "https://login.microsoftonline.com/common"}, []string{"ROTATOR_AUTHORITY"}},
		"authority with a version":      {map[string]string{AuthorityVariable: authority + "/v2.0"}, []string{"ROTATOR_AUTHORITY"}},
		"authority with a slash":        {map[string]string{AuthorityVariable: authority + "/"}, []string{"ROTATOR_AUTHORITY"}},
		"authority with a user":         {map[string]string{AuthorityVariable: "https://x@login.microsoftonline.com/" + tenantID}, []string{"ROTATOR_AUTHORITY"}},
		"authority without TLS":         {map[string]string{AuthorityVariable: "http://login.microsoftonline.com/" + tenantID}, []string{"ROTATOR_AUTHORITY"}},
		"authority of no address":       {map[string]string{AuthorityVariable: "https://[/" + tenantID}, []string{"ROTATOR_AUTHORITY"}},
		"a secret's name":               {map[string]string{SecretARNVariable: "rotator"}, []string{"ROTATOR_SECRET_ARN"}},
		"the ARN of something else":     {map[string]string{SecretARNVariable: "arn:aws:lambda:eu-west-1:123456789012:function:f"}, []string{"ROTATOR_SECRET_ARN"}},
		"all wrong at once":             {map[string]string{GraphURLVariable: "x", LifetimeVariable: "x", IntervalVariable: "x", OverlapVariable: "x", ClientIDVariable: "x", AuthorityVariable: "x", SecretARNVariable: "x"}, []string{"GRAPH_URL", "LIFETIME_DAYS", "INTERVAL_DAYS", "OVERLAP_DAYS", "ROTATOR_CLIENT_ID", "ROTATOR_AUTHORITY", "ROTATOR_SECRET_ARN"}},
		"wrong together and by itself":  {map[string]string{LifetimeVariable: "100", ClientIDVariable: "x"}, []string{"INTERVAL_DAYS", "OVERLAP_DAYS", "ROTATOR_CLIENT_ID"}},
		"all missing":                   {map[string]string{GraphURLVariable: "", LifetimeVariable: "", IntervalVariable: "", OverlapVariable: "", ClientIDVariable: "", AuthorityVariable: ""}, []string{"GRAPH_URL", "LIFETIME_DAYS", "INTERVAL_DAYS", "OVERLAP_DAYS", "ROTATOR_CLIENT_ID", "ROTATOR_AUTHORITY"}},
		"a lifetime without an overlap": {map[string]string{LifetimeVariable: "32", IntervalVariable: "1"}, []string{"INTERVAL_DAYS"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := maps.Clone(good)
			maps.Copy(env, tt.change)
			config, err := ReadConfig(func(name string) string { return env[name] })
			if tt.want == nil {
				require.NoError(t, err)
				require.Equal(t, env[SecretARNVariable], config.SecretARN)
				require.Equal(t, 31*day, config.Overlap)
				return
			}
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
		})
	}
}

func TestNewRefusesWhatReadConfigRefuses(t *testing.T) {
	t.Parallel()
	_, err := New(Config{}, Clouds{}, Options{})
	for _, want := range []string{"GRAPH_URL", "LIFETIME_DAYS, INTERVAL_DAYS and OVERLAP_DAYS", "ROTATOR_CLIENT_ID", "ROTATOR_AUTHORITY"} {
		require.ErrorContains(t, err, want)
	}
	_, err = New(goodConfig(), Clouds{}, Options{})
	require.NoError(t, err)
}
