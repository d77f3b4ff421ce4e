package review_test

import (
	"reflect"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access"
	"github.com/entragate/entragate/access/review"
)

// silent are settings that change nothing that a review tells of: names that
// others refer to, which a model with only one end of them changed is not valid
// with, and what only validation reads.
var silent = []string{
	"Model.Functions", "Model.Routes.Backend", // no other backend
	"Model.Clients.Credential.File", "Model.Clients.Credential.PEM", "Model.Clients.Credential.AWSRole", // of another kind
	"Model.Clients.Credential.Readers", "Model.Clients.Credential.Issuer", "Model.Clients.Credential.Subject",
	"Model.Clients.Credential.GitHub.Environment", "Model.Clients.Credential.GitHub.Tag", "Model.Clients.Credential.GitHub.PullRequest",
}

// TestEverySettingIsReviewed changes one setting after the other: each change is
// a finding.
func TestEverySettingIsReviewed(t *testing.T) {
	t.Parallel()
	seen := 0
	template := full()
	each(reflect.ValueOf(&template).Elem(), "", func(path string, index int) {
		if slices.Contains(silent, path) {
			return
		}
		seen++
		before, after := full(), full()
		n := 0
		each(reflect.ValueOf(&after).Elem(), "", func(string, int) { n++ })
		at := 0
		visit(reflect.ValueOf(&after).Elem(), "", func(_ string, v reflect.Value) {
			if at == index {
				change(v)
			}
			at++
		})
		got := review.Compare(&before, after, nil, review.Options{Now: now})
		require.NotEmpty(t, got.Findings, path)
	})
	require.Greater(t, seen, 60)
}

// full is a deployment in which everything is set.
func full() review.Deployment {
	d := deployed()
	d.Model = clone(d.Model)
	d.CORS.ExposeHeaders = []string{"x-a"}
	d.Credentials.OutboundIssuer = "https://a.example.com"
	d.Model.Routes[1].Throttle = &access.Throttle{Rate: 1, Burst: 1}
	cache := 30
	d.Model.DecisionCacheSeconds = &cache
	required := true
	d.Model.Assignment.Required = &required
	return d
}

func each(v reflect.Value, path string, f func(path string, index int)) {
	index := 0
	visit(v, path, func(path string, _ reflect.Value) {
		f(path, index)
		index++
	})
}

// visit calls f for every text, number and truth value.
func visit(v reflect.Value, path string, f func(string, reflect.Value)) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if path != "" {
				name = path + "." + name
			}
			visit(v.Field(i), name, f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			visit(v.Index(i), path, f)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			visit(v.Elem(), path, f)
		}
	case reflect.Map:
		f(path, v)
	default:
		f(path, v)
	}
}

func change(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int:
		v.SetInt(v.Int() + 1)
	case reflect.Float64:
		v.SetFloat(v.Float() + 1)
	case reflect.Map:
		v.SetMapIndex(reflect.ValueOf("refusedPercent"), reflect.ValueOf(99.0))
	case reflect.String:
		switch {
		case v.Type() == reflect.TypeFor[access.State]() && v.String() == "":
			v.SetString("retired")
		case v.Type() == reflect.TypeFor[access.State]():
			v.SetString("active")
		case v.Type() == reflect.TypeFor[access.Consent]() && v.String() == "user":
			v.SetString("admin")
		case v.Type() == reflect.TypeFor[access.Consent]():
			v.SetString("user")
		default:
			v.SetString(v.String() + "x")
		}
	}
}
