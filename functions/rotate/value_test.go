package rotate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestHiddenTellsNothing(t *testing.T) {
	t.Parallel()
	const secret = "abc8Q~secret"
	value := Value{ClientID: clientID, ClientSecret: secret}
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	text := slog.New(slog.NewTextHandler(&log, nil))
	for _, l := range []*slog.Logger{logger, text} {
		l.Info("said", "it", value.ClientSecret, "in", value, "at", &value, "many", []Hidden{secret})
	}
	raw, err := json.Marshal(value)
	require.NoError(t, err)
	for _, said := range []string{
		log.String(), string(raw), fmt.Sprint(value, &value, value.ClientSecret), fmt.Sprintf("%v %+v %#v %s %q", value, value, value, value, value), fmt.Sprintf("%x", value.ClientSecret),
		fmt.Errorf("failed: %v", value.ClientSecret).Error(),
	} {
		require.NotContains(t, said, secret)
		require.NotContains(t, said, fmt.Sprintf("%x", secret))
		require.Contains(t, said, hidden)
	}
}

func TestErrorsAreCleaned(t *testing.T) {
	t.Parallel()
	var k known
	k.add("")
	k.add("abc8Q~secret")
	k.add("with+sign")
	require.NoError(t, k.clean(nil))
	harmless := fmt.Errorf("not found: %w", ErrNoValue)
	require.Equal(t, harmless, k.clean(harmless))
	err := k.clean(fmt.Errorf("post client_secret=abc8Q~secret&x=with%%2Bsign: %w", errors.New("with+sign")))
	require.EqualError(t, err, "post client_secret=[hidden]&x=[hidden]: [hidden]")
	require.NoError(t, errors.Unwrap(err))
}

// TestServicesThatQuoteSecrets answers with the secrets in every error.
func TestServicesThatQuoteSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	temporary := false
	w.interfere = func(call string, after bool) error {
		// Before these it does not know what to look for.
		if !after || !slices.Contains([]string{"Put", "Test", "MoveStage"}, call) && (call != "Find" || len(w.stored) == 0) {
			return nil
		}
		err := fmt.Errorf("you sent %s", w.issued)
		if temporary = !temporary; temporary {
			return &TemporaryError{Err: err}
		}
		return err
	}
	id := w.begin(arn)
	for _, step := range []string{StepCreate, StepCreate, StepCreate, StepSet, StepSet, StepTest, StepTest, StepTest, StepFinish, StepFinish} {
		_ = w.run(id, step)
	}
	require.Contains(t, w.errors.String(), "you sent [[hidden]")
	require.Contains(t, w.log.String(), "you sent [[hidden]")
}

func TestValuesAreWhatIsDocumented(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 9, 28, 14, 0, 0, 0, time.FixedZone("CEST", 2*60*60))
	raw, err := Value{
		ClientID: "c", TenantID: "t", Authority: "a", Scope: "s", ClientSecret: "x", KeyID: "k", ExpiresAt: end,
	}.Encode()
	require.NoError(t, err)
	require.JSONEq(t, `{"clientId":"c","tenantId":"t","authority":"a","scope":"s","clientSecret":"x","keyId":"k","expiresAt":"2026-09-28T12:00:00Z"}`, string(raw))
	back, err := ParseValue(raw)
	require.NoError(t, err)
	require.True(t, back.ExpiresAt.Equal(end))
	require.Equal(t, Hidden("x"), back.ClientSecret)
	for _, bad := range []Hidden{
		"", "null", "[]", "x", `"x"`, `{}`, `{"clientSecret":12345}`,
		`{"clientId":"c","authority":"a","clientSecret":"x","keyId":"k"}`,
		`{"clientId":"c","authority":"a","clientSecret":"","keyId":"k","expiresAt":"2026-09-28T12:00:00Z"}`,
		`{"clientId":"c","authority":"a","clientSecret":"x","keyId":"","expiresAt":"2026-09-28T12:00:00Z"}`,
		`{"clientId":"c","authority":"a","clientSecret":"x","keyId":"k","expiresAt":"soon"}`,
	} {
		_, err := ParseValue(bad)
		require.ErrorIs(t, err, errNotOurs, string(bad))
	}
}

func FuzzParseValue(f *testing.F) {
	f.Add(`{"clientId":"c","tenantId":"t","authority":"a","scope":"s","clientSecret":"x","keyId":"k","expiresAt":"2026-09-28T12:00:00Z"}`)
	f.Add(`{"clientSecret":12345}`)
	f.Fuzz(func(t *testing.T, raw string) {
		value, err := ParseValue(Hidden(raw))
		if err != nil {
			require.EqualError(t, err, errNotOurs.Error(), "nothing of it is quoted")
			return
		}
		again, err := value.Encode()
		require.NoError(t, err)
		back, err := ParseValue(again)
		require.NoError(t, err)
		require.Equal(t, value.ClientSecret, back.ClientSecret)
		require.True(t, value.ExpiresAt.Equal(back.ExpiresAt))
	})
}
