package rotate

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

// TestTwoYearsInTheSandbox rotates with the real clients of Entra, the rotator
// signing in by federation, and then with a secret of its own.
func TestTwoYearsInTheSandbox(t *testing.T) {
	t.Parallel()
	for name, federated := range map[string]bool{"by federation": true, "by its own secret": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTenant(t)
			arns := []string{arn}
			if !federated {
				s.config.SecretARN = ownARN
				arns = append(arns, ownARN)
				s.deployOwnSecret()
			}
			s.useReal()
			for n := range 9 {
				s.setLag(time.Duration(n%3) * 25 * time.Second)
				for _, arn := range arns {
					s.rotateOnce(arn)
				}
				require.NoError(t, s.invoke(t.Context(), Event{Check: arns}))
				s.now = s.now.Add(s.config.Interval)
			}
			require.NotZero(t, s.waited, "replication was waited for")
			for _, arn := range arns {
				v := s.vaults[arn]
				current, _ := v.value(Current)
				previous, _ := v.value(Previous)
				require.ElementsMatch(t, []string{current.KeyID, previous.KeyID}, s.passwords(current.ClientID))
			}
			s.now = s.now.Add(3 * day)
			require.ErrorContains(t, s.invoke(t.Context(), Event{Check: arns}), "rotation is overdue")
		})
	}
}

func TestWhatTheSandboxRefuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(*tenant)
		want   string
		waits  bool
	}{
		"no permission": {func(s *tenant) { s.revoke() }, "403 Authorization_RequestDenied", true},
		"not an owner":  {func(s *tenant) { s.change(clientID, func(a *directory.Application) { a.OwnerIDs = nil }) }, "to be an owner of the application", true},
		"no federation": {func(s *tenant) { s.change(rotatorID, func(a *directory.Application) { a.FederatedCredentials = nil }) }, "AADSTS70021", true},
		"another role": {func(s *tenant) {
			s.change(rotatorID, func(a *directory.Application) { a.FederatedCredentials[0].Subject += "2" })
		}, "AADSTS70021", true},
		"no application": {func(s *tenant) { s.vaults[arn].tags[ClientIDTag] = tenantID }, "404 Request_ResourceNotFound", true},
		"another issuer": {func(s *tenant) {
			s.change(rotatorID, func(a *directory.Application) { a.FederatedCredentials[0].Issuer += "/x" })
		}, "AADSTS70021", true},
		"it is all right": {func(*tenant) {}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTenant(t)
			tt.change(s)
			s.useReal()
			err := s.invoke(t.Context(), Event{Step: StepCreate, SecretID: arn, Token: s.begin(arn)})
			if tt.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tt.want)
				require.Empty(t, s.passwords(clientID))
			}
			require.Equal(t, tt.waits, s.waited > 0)
			require.LessOrEqual(t, s.waited, patience)
			require.False(t, bytes.Contains(s.log.Bytes(), []byte("eyJ")), "a token is logged")
			require.NotContains(t, s.errors.String(), "eyJ")
		})
	}
}

// TestAPermissionThatIsLate: the first rotation comes before the rotator's
// permission is known, and goes on when it is.
func TestAPermissionThatIsLate(t *testing.T) {
	t.Parallel()
	s := newTenant(t)
	s.revoke()
	s.config.SecretARN = ownARN
	s.deployOwnSecret()
	s.useReal()
	s.late = func() { s.grant("principal-"+rotatorID, directory.ApplicationReadWriteOwnedBy) }
	s.rotateOnce(arn)
	require.Contains(t, s.log.String(), "Authorization_RequestDenied")
	require.Equal(t, firstPause, s.waited)
}
