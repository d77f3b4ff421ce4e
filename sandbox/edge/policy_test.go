package edge_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPoliciesOfAuthorizers(t *testing.T) {
	t.Parallel()
	const all = `"Action":"execute-api:Invoke","Resource":"*"`
	allow := func(resource string) string {
		return fmt.Sprintf(`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":%q}`, resource)
	}
	for name, test := range map[string]struct {
		statements string
		status     int
		log        string
	}{
		"the route":                 {allow(executeARN + "/$default/GET/orders/7"), 200, ""},
		"every route":               {allow(executeARN + "/*/*/*"), 200, ""},
		"a star at the end":         {allow(executeARN + "/$default/GET/*"), 200, ""},
		"stars within":              {allow(executeARN + "/*/GET/*/7"), 200, ""},
		"stars that match nothing":  {allow("*" + executeARN + "/$default/GET/orders/7**"), 200, ""},
		"a question mark":           {allow(executeARN + "/$default/GET/orders/?"), 200, ""},
		"too many question marks":   {allow(executeARN + "/$default/GET/orders/??"), 403, ""},
		"another path":              {allow(executeARN + "/$default/GET/orders"), 403, ""},
		"another method":            {allow(executeARN + "/$default/POST/*"), 403, ""},
		"another stage":             {allow(executeARN + "/dev/*"), 403, ""},
		"another API":               {allow(executeARN + "x/*"), 403, ""},
		"another case":              {allow(executeARN + "/$default/get/orders/7"), 403, ""},
		"a route with its variable": {allow(executeARN + "/$default/GET/orders/{id}"), 403, ""},
		"a star and a wrong end":    {allow(executeARN + "/*/8"), 403, ""},
		"nothing":                   {``, 403, ""},
		"a list of resources":       {`{"Effect":"Allow","Action":"execute-api:Invoke","Resource":["x","*"]}`, 200, ""},
		"a list of actions":         {`{"Effect":"Allow","Action":["s3:Get*","execute-api:Inv*"],"Resource":"*"}`, 200, ""},
		"an action in another case": {`{"Effect":"Allow","Action":"EXECUTE-API:invoke","Resource":"*"}`, 200, ""},
		"another action":            {`{"Effect":"Allow","Action":"execute-api:ManageConnections","Resource":"*"}`, 403, ""},
		"a denial afterwards":       {`{"Effect":"Allow",` + all + `},{"Effect":"Deny",` + all + `}`, 403, ""},
		"a denial first":            {`{"Effect":"Deny",` + all + `},{"Effect":"Allow",` + all + `}`, 403, ""},
		"a denial of others":        {`{"Sid":"a","Effect":"Allow",` + all + `},{"Effect":"Deny","Action":"*","Resource":"x"}`, 200, ""},
		"empty lists":               {`{"Effect":"Allow","Action":[],"Resource":[]}`, 403, ""},
		"another effect":            {`{"Effect":"allow",` + all + `}`, 500, `"Effect" is malformed`},
		"no effect":                 {`{` + all + `}`, 500, "want policy statements with Effect"},
		"no action":                 {`{"Effect":"Allow","Resource":"*"}`, 500, "want policy statements with Effect"},
		"no resource":               {`{"Effect":"Allow","Action":"*"}`, 500, "want policy statements with Effect"},
		"a condition":               {`{"Effect":"Allow","Condition":{},` + all + `}`, 500, `"Condition" is not implemented`},
		"a negated resource":        {`{"Effect":"Allow","Action":"*","NotResource":"x"}`, 500, `"NotResource" is not implemented`},
		"a number as action":        {`{"Effect":"Allow","Action":1,"Resource":"*"}`, 500, `"Action" is malformed`},
		"a number among resources":  {`{"Effect":"Allow","Action":"*","Resource":["*",1]}`, 500, `"Resource" is malformed`},
		"null as resource":          {`{"Effect":"Allow","Action":"*","Resource":null}`, 500, `"Resource" is malformed`},
		"text as a statement":       {`"Allow"`, 500, "want policy statements that are objects"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			answer := `{"principalId":"p","policyDocument":{"Version":"2012-10-17","Statement":[` + test.statements + `]}}`
			w := newWorld(t, guarded(apiOf("GET /orders/{id} => jwt"), withPolicies), running(answering(answer, nil)))
			require.Equal(t, test.status, w.do("GET", "/orders/7", "Authorization", "x").Code)
			require.Contains(t, w.sink.last(t), test.log)
		})
	}
}

func TestASingleStatementNeedsNoList(t *testing.T) {
	t.Parallel()
	for document, status := range map[string]int{
		`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`: 200,
		`{"Statement":null}`: 500,
		`{}`:                 500,
		`"Allow"`:            500,
	} {
		w := newWorld(t, guarded(apiOf("GET /orders => jwt"), withPolicies), running(answering(`{"principalId":"p","policyDocument":`+document+`}`, nil)))
		require.Equal(t, status, w.do("GET", "/orders", "Authorization", "x").Code, document)
	}
}
