package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/access/policy"
)

func orders() policy.Policy {
	return policy.Policy{Routes: map[string]policy.Route{
		"GET /orders/{id}": {Scopes: []string{"Orders.Read"}, Roles: []string{"Orders.Export"}},
		"$default":         {Roles: []string{"Orders.<All>&"}},
	}}
}

func TestAPolicyIsReadable(t *testing.T) {
	t.Parallel()
	require.Equal(t, `{
  "routes": {
    "$default": {
      "roles": [
        "Orders.<All>&"
      ]
    },
    "GET /orders/{id}": {
      "scopes": [
        "Orders.Read"
      ],
      "roles": [
        "Orders.Export"
      ]
    }
  }
}
`, string(orders().JSON()))
}

func TestAPolicySurvives(t *testing.T) {
	t.Parallel()
	got, err := policy.Parse(orders().JSON())
	require.NoError(t, err)
	require.Equal(t, orders(), got)
	require.Equal(t, orders().Hash(), got.Hash())
}

func TestAnotherPolicyHasAnotherHash(t *testing.T) {
	t.Parallel()
	other := orders()
	other.Routes["GET /orders/{id}"] = policy.Route{Scopes: []string{"Orders.Read"}}
	require.NotEqual(t, orders().Hash(), other.Hash())
	require.Regexp(t, "^[0-9a-f]{64}$", other.Hash(), "a stage variable takes it")
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ raw, want string }{
		"nothing":           {"", "policy.json: EOF"},
		"not JSON":          {"routes: {}", "policy.json: invalid character"},
		"a list":            {"[]", "policy.json: json: cannot unmarshal array"},
		"an unknown member": {`{"routes": {}, "public": ["GET /"]}`, `unknown field "public"`},
		"an unknown kind":   {`{"routes": {"GET /": {"groups": ["x"]}}}`, `unknown field "groups"`},
		"two values":        {`{"routes": {}} {}`, "got more than one JSON value"},
		"a route for none":  {`{"routes": {"GET /": {}}}`, `routes["GET /"]: got neither scopes nor roles`},
		"an empty role":     {`{"routes": {"GET /": {"roles": [""]}}}`, `routes["GET /"]: got an empty value`},
		"an empty scope":    {`{"routes": {"GET /": {"scopes": ["a", ""]}}}`, `routes["GET /"]: got an empty value`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := policy.Parse([]byte(tt.raw))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(orders().JSON())
	f.Add([]byte(`{"routes": {"GET /": {"roles": ["R"], "roles": [""]}}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := policy.Parse(raw)
		if err != nil {
			return
		}
		again, err := policy.Parse(p.JSON())
		require.NoError(t, err)
		require.Equal(t, p.Hash(), again.Hash())
		for key, r := range p.Routes {
			require.NotEmpty(t, len(r.Scopes)+len(r.Roles), key)
		}
	})
}
