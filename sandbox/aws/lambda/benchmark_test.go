package lambda_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkWarmInvocation is what calling a function costs that does nothing.
func BenchmarkWarmInvocation(b *testing.B) {
	w := open(b, b.TempDir())
	w.role(b, mayLog)
	_, err := w.CreateFunction(b.Context(), input(b, "f"))
	require.NoError(b, err)
	_, err = w.AddPermission(b.Context(), permission("f", ""))
	require.NoError(b, err)
	for b.Loop() {
		result, err := w.service.InvokeAs(b.Context(), apiGateway, source, arnOf("f"), []byte(`{}`))
		if err != nil || result.Failure != "" {
			b.Fatal(err, result.Failure)
		}
	}
}
