package wire_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

func TestErrorsInEachProtocol(t *testing.T) {
	t.Parallel()
	refusal := &wire.Error{Status: 404, Code: "NotFoundException", Message: "no <such> thing", Detail: map[string]string{"resourceType": "Api"}}
	for name, test := range map[string]struct {
		protocol wire.Protocol
		err      error
		status   int
		want     string
	}{
		"rest":         {wire.RestJSON, refusal, 404, `{"message":"no \u003csuch\u003e thing","resourceType":"Api"}`},
		"json":         {wire.JSON11, refusal, 404, `{"__type":"NotFoundException","message":"no \u003csuch\u003e thing","resourceType":"Api"}`},
		"query":        {wire.Query, refusal, 404, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>NotFoundException</Code><Message>no &lt;such&gt; thing</Message></Error><RequestId>id</RequestId></ErrorResponse>`},
		"a fault":      {wire.JSON11, errors.New("disk full"), 500, `{"__type":"InternalFailure","message":"disk full"}`},
		"query, fault": {wire.Query, wire.NotImplemented("x"), 501, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Receiver</Type><Code>NotImplemented</Code><Message>x is not implemented by the sandbox</Message></Error><RequestId>id</RequestId></ErrorResponse>`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			w.Header().Set(wire.RequestIDHeader, "id")
			test.protocol.WriteError(w, test.err)
			require.Equal(t, test.status, w.Code)
			require.Equal(t, test.want, w.Body.String())
		})
	}
}

func TestDecodeRefusesOtherTypes(t *testing.T) {
	t.Parallel()
	var v struct{ N int }
	require.NoError(t, wire.Decode(nil, &v))
	require.NoError(t, wire.Decode([]byte(`{"N":1,"unknown":2}`), &v))
	for _, body := range []string{`{"N":"1"}`, `{`, `[]`} {
		require.ErrorContains(t, wire.Decode([]byte(body), &v), "SerializationException")
	}
}
