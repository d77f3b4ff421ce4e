package secretsmanager

import (
	"crypto/rand"
	"net/http"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

var secretName = regexp.MustCompile(`^[A-Za-z0-9/_+=.@-]+$`)

// secretInput is of the operations that change a secret.
type secretInput struct {
	Name               string
	SecretID           string `json:"SecretId"`
	ClientRequestToken string
	Description        *string
	KMSKeyID           *string `json:"KmsKeyId"`
	value
	Tags tagList

	AddReplicaRegions           []any
	ForceOverwriteReplicaSecret bool
	Type                        string
}

// secretOutput names a secret and, where there is one, a version.
type secretOutput struct {
	ARN       string
	Name      string
	VersionID string `json:"VersionId,omitempty"`
}

func (in *secretInput) check() error {
	switch {
	case len(in.AddReplicaRegions) > 0:
		return wire.NotImplemented("replication of secrets")
	case in.Type != "":
		return wire.NotImplemented("external secrets")
	case in.Description != nil && utf8.RuneCountInString(*in.Description) > 2048:
		return constraint("description", "Member must have length less than or equal to 2048")
	case in.KMSKeyID != nil && len(*in.KMSKeyID) > 2048:
		return constraint("kmsKeyId", "Member must have length less than or equal to 2048")
	}
	if in.KMSKeyID != nil && *in.KMSKeyID == managedKey {
		*in.KMSKeyID = ""
	}
	if err := in.value.check(); err != nil {
		return err
	}
	if in.given() {
		return checkToken(in.ClientRequestToken)
	}
	return nil
}

// with are the condition keys of the request.
func (in *secretInput) with(tags map[string]string) keys {
	with := ofTags(tags)
	if in.Description != nil {
		with["secretsmanager:description"] = optional(*in.Description)
	}
	if in.KMSKeyID != nil {
		with["secretsmanager:kmskeyid"] = optional(*in.KMSKeyID)
	}
	return with
}

// checkToken refuses what cannot be the id of a version.
func checkToken(token string) error {
	switch n := len(token); {
	case n == 0:
		return invalidRequest("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
	case n < 32 || n > 64:
		return invalidParameter("ClientRequestToken must be 32-64 characters long.")
	}
	return nil
}

func tokenInUse(token, arn string) error {
	return refusal("ResourceExistsException", "You can't use ClientRequestToken %s because that value is already in use for a version of secret %s.", token, arn)
}

// suffix returns six random characters, which ARNs end with so that a secret
// that is made again is not taken for the first.
func suffix() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	return random(letters, 6)
}

func (s *Service) createSecret(r *http.Request) (any, error) {
	in, err := decode[secretInput](r)
	if err != nil {
		return nil, err
	}
	if in.Name == "" || len(in.Name) > 512 {
		return nil, constraint("name", "Member must have length between 1 and 512")
	}
	if !secretName.MatchString(in.Name) {
		return nil, refusal("ValidationException", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	tags, err := in.Tags.mergedInto(nil)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	secret := &Secret{
		ARN: s.arnPrefix() + in.Name + "-" + suffix(), Name: in.Name, Tags: tags, Versions: map[string]*Version{}, Created: now, Changed: now,
	}
	if in.Description != nil {
		secret.Description = *in.Description
	}
	if in.KMSKeyID != nil {
		secret.KMSKeyID = *in.KMSKeyID
	}
	actions := []string{"CreateSecret"}
	if len(tags) > 0 {
		actions = append(actions, "TagResource")
	}
	for _, action := range actions {
		if err := s.decide(s.Caller(r), action, in.Name, target{ARN: secret.ARN, Name: in.Name}, in.with(tags)); err != nil {
			return nil, err
		}
	}
	if err := s.checkKey(r, secret.KMSKeyID, "kms:GenerateDataKey", "kms:Decrypt"); err != nil {
		return nil, err
	}
	out := secretOutput{ARN: secret.ARN, Name: secret.Name}
	if in.given() {
		out.VersionID = in.ClientRequestToken
		secret.Versions[out.VersionID] = &Version{
			String: in.String, Binary: in.Binary, KMSKeyID: secret.KMSKeyID, Stages: []string{current}, Created: now,
		}
	}
	err = s.state.Update(func(all *State) error {
		if other := all.Secrets[in.Name]; other != nil && !s.gone(other) {
			version := other.Versions[in.ClientRequestToken]
			switch {
			case !other.Deletion.IsZero():
				return invalidRequest("You can't create this secret because a secret with this name is already scheduled for deletion.")
			case version != nil && version.holds(in.value): // the same request again
				out.ARN = other.ARN
				return nil
			}
			return refusal("ResourceExistsException", "The operation failed because the secret %s already exists.", in.Name)
		}
		all.Secrets[in.Name] = secret
		return nil
	})
	return out, err
}

func (s *Service) updateSecret(r *http.Request) (any, error) {
	in, err := decode[secretInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	on, err := s.allow(r, "UpdateSecret", in.SecretID, in.with(nil))
	if err != nil {
		return nil, err
	}
	if in.KMSKeyID != nil && *in.KMSKeyID != on.KMSKeyID {
		err = s.checkKey(r, *in.KMSKeyID, "kms:GenerateDataKey", "kms:Encrypt", "kms:Decrypt")
	} else if in.given() {
		err = s.checkKey(r, on.KMSKeyID, "kms:GenerateDataKey", "kms:Decrypt")
	}
	if err != nil {
		return nil, err
	}
	out := secretOutput{ARN: on.ARN, Name: on.Name}
	return &out, s.change(on.ARN, func(secret *Secret) error {
		if in.given() {
			// A version that exists is refused even if it holds the same.
			if secret.Versions[in.ClientRequestToken] != nil {
				return tokenInUse(in.ClientRequestToken, secret.ARN)
			}
			if err := secret.checkLabels(current, previous); err != nil {
				return err
			}
		}
		if in.Description != nil {
			secret.Description = *in.Description
		}
		if in.KMSKeyID != nil {
			secret.KMSKeyID = *in.KMSKeyID
			for _, version := range secret.Versions {
				if len(version.Stages) > 0 { // the others keep their key
					version.KMSKeyID = *in.KMSKeyID
				}
			}
		}
		if in.given() {
			out.VersionID = in.ClientRequestToken
			s.put(secret, in.ClientRequestToken, in.value, []string{current})
		}
		secret.Changed = s.Now()
		return nil
	})
}

type deleteInput struct {
	SecretID                   string `json:"SecretId"`
	RecoveryWindowInDays       *int
	ForceDeleteWithoutRecovery bool
}

type deleteOutput struct {
	ARN          string
	Name         string
	DeletionDate *float64
}

func (s *Service) deleteSecret(r *http.Request) (any, error) {
	in, err := decode[deleteInput](r)
	if err != nil {
		return nil, err
	}
	days := 30
	with := keys{"secretsmanager:forcedeletewithoutrecovery": {boolean(in.ForceDeleteWithoutRecovery)}}
	if in.RecoveryWindowInDays != nil {
		days = *in.RecoveryWindowInDays
		with["secretsmanager:recoverywindowindays"] = []string{number(days)}
		if in.ForceDeleteWithoutRecovery {
			return nil, invalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
		}
		if days < 7 || days > 30 {
			return nil, invalidParameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
		}
	}
	on, err := s.allow(r, "DeleteSecret", in.SecretID, with)
	if err != nil {
		return nil, err
	}
	out := deleteOutput{ARN: on.ARN, Name: on.Name}
	return &out, s.state.Update(func(all *State) error {
		secret := s.find(all, on.ARN)
		switch {
		case secret == nil:
			return noSecret()
		case in.ForceDeleteWithoutRecovery: // even if it is marked already
			out.DeletionDate = seconds(s.Now())
			delete(all.Secrets, secret.Name)
		case !secret.Deletion.IsZero():
			return markedForDeletion()
		default:
			secret.Deletion = s.Now().Add(time.Duration(days) * 24 * time.Hour)
			out.DeletionDate = seconds(secret.Deletion)
		}
		return nil
	})
}

func (s *Service) restoreSecret(r *http.Request) (any, error) {
	in, err := decode[secretInput](r)
	if err != nil {
		return nil, err
	}
	on, err := s.allow(r, "RestoreSecret", in.SecretID, nil)
	if err != nil {
		return nil, err
	}
	return secretOutput{ARN: on.ARN, Name: on.Name}, s.state.Update(func(all *State) error {
		secret := s.find(all, on.ARN)
		if secret == nil {
			return noSecret()
		}
		secret.Deletion = time.Time{}
		return nil
	})
}

// random returns characters of an alphabet of at most 256. Those that would be
// more likely than others are drawn again.
func random(alphabet string, length int) string {
	text := make([]byte, 0, length)
	fair := 256 / len(alphabet) * len(alphabet)
	for len(text) < length {
		var drawn [64]byte
		rand.Read(drawn[:]) // never fails, see its documentation
		for _, b := range drawn {
			if int(b) < fair && len(text) < length {
				text = append(text, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(text)
}
