package authorize

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/stretchr/testify/require"
)

// The benchmarks measure warm decisions: the keys are there. With New in its
// name, each decision is about a token that was not seen before.
//
//	go test -run '^$' -bench . -benchmem ./functions/authorize

func BenchmarkDecideUser(b *testing.B)    { decideAgain(b, sign(userToken()), scopes, true) }
func BenchmarkDecideDaemon(b *testing.B)  { decideAgain(b, sign(appToken()), roles, true) }
func BenchmarkDecideRefused(b *testing.B) { decideAgain(b, sign(appToken()), scopes, false) }

func BenchmarkDecideForged(b *testing.B) {
	decideAgain(b, signRaw(text(appToken()), "RS256", key("stranger"), object{"kid": "one"}), roles, false)
}

func BenchmarkDecideNewUser(b *testing.B)   { decideNew(b, sign(userToken()), scopes) }
func BenchmarkDecideNewDaemon(b *testing.B) { decideNew(b, sign(appToken()), roles) }

func decideNew(b *testing.B, token, route string) {
	w := newWorld(b)
	e := event("Bearer "+token, route)
	b.ReportAllocs()
	for b.Loop() {
		w.log.Reset()
		clear(w.seen.recent)
		answer, err := w.Handle(b.Context(), e)
		if err != nil || !answer.IsAuthorized {
			b.Fatalf("got %v, %v", answer, err)
		}
	}
}

func decideAgain(b *testing.B, token, route string, want bool) {
	w := newWorld(b)
	e := event("Bearer "+token, route)
	b.ReportAllocs()
	for b.Loop() {
		w.log.Reset()
		answer, err := w.Handle(b.Context(), e)
		if err != nil || answer.IsAuthorized != want {
			b.Fatalf("got %v, %v", answer, err)
		}
	}
}

// BenchmarkInvoke adds reading the event and writing the answer.
func BenchmarkInvoke(b *testing.B) {
	w := newWorld(b)
	raw, err := json.Marshal(event("Bearer "+sign(userToken()), scopes))
	require.NoError(b, err)
	handler := lambda.NewHandler(w.Handle)
	b.ReportAllocs()
	for b.Loop() {
		w.log.Reset()
		if _, err := handler.Invoke(b.Context(), raw); err != nil {
			b.Fatal(err)
		}
	}
}
