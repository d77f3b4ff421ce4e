package kms

import (
	"crypto/rand"
	"net/http"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Limits of https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html
// and https://docs.aws.amazon.com/kms/latest/APIReference/API_ScheduleKeyDeletion.html.
const (
	maxDescription  = 8192
	minPendingDays  = 7
	maxPendingDays  = 30
	materialBytes   = 32
	symmetric       = "SYMMETRIC_DEFAULT"
	encryptDecrypt  = "ENCRYPT_DECRYPT"
	day             = 24 * time.Hour
	listStandard    = 100
	listMost        = 1000
	tagListMost     = 50
	tagListStandard = 50
)

var keyID = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

// metadata describes a key, see
// https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html.
type metadata struct {
	AWSAccountID          string `json:"AWSAccountId"`
	KeyID                 string `json:"KeyId"`
	Arn                   string
	CreationDate          float64
	Enabled               bool
	Description           string
	KeyUsage              string
	KeyState              string
	DeletionDate          float64 `json:",omitempty"`
	Origin                string
	KeyManager            string
	CustomerMasterKeySpec string
	KeySpec               string
	EncryptionAlgorithms  []string
	MultiRegion           bool
}

type keyOutput struct{ KeyMetadata metadata }

func (s *Service) describe(key *Key) keyOutput {
	described := metadata{
		AWSAccountID: s.Account, KeyID: key.ID, Arn: s.keyARN(key.ID), CreationDate: seconds(key.Created), Enabled: key.Enabled,
		Description: key.Description, KeyUsage: encryptDecrypt, KeyState: "Enabled", Origin: "AWS_KMS", KeyManager: "CUSTOMER",
		CustomerMasterKeySpec: symmetric, KeySpec: symmetric, EncryptionAlgorithms: []string{symmetric},
	}
	switch {
	case !key.Deletion.IsZero():
		described.KeyState, described.Enabled, described.DeletionDate = "PendingDeletion", false, seconds(key.Deletion)
	case !key.Enabled:
		described.KeyState = "Disabled"
	}
	return keyOutput{described}
}

type createKeyInput struct {
	Policy                         *string
	Description                    string
	KeyUsage                       string
	CustomerMasterKeySpec          string
	KeySpec                        string
	Origin                         string
	CustomKeyStoreID               string `json:"CustomKeyStoreId"`
	XksKeyID                       string `json:"XksKeyId"`
	BypassPolicyLockoutSafetyCheck bool
	MultiRegion                    bool
	Tags                           []tag
}

func (in createKeyInput) check() error {
	if in.KeySpec != "" && in.CustomerMasterKeySpec != "" {
		// The text is a guess.
		return refusal("ValidationException", "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
	}
	for _, each := range []struct {
		at, value string
		want      string
		others    []string
	}{
		{"keySpec", in.KeySpec + in.CustomerMasterKeySpec, symmetric, []string{
			"RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1",
			"HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512", "SM2",
		}},
		{"keyUsage", in.KeyUsage, encryptDecrypt, []string{"SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"}},
		{"origin", in.Origin, "AWS_KMS", []string{"EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"}},
	} {
		switch {
		case each.value == "" || each.value == each.want:
		case slices.Contains(each.others, each.value):
			return wire.NotImplemented("a key with " + each.at + " " + each.value)
		default:
			return constraint(each.value, each.at, "Member must satisfy enum value set")
		}
	}
	if in.MultiRegion || in.CustomKeyStoreID != "" || in.XksKeyID != "" {
		return wire.NotImplemented("a key of several regions or of a custom key store")
	}
	return checkDescription(in.Description)
}

func checkDescription(text string) error {
	if utf8.RuneCountInString(text) > maxDescription {
		return constraint("...", "description", "Member must have length less than or equal to 8192")
	}
	return nil
}

func (s *Service) createKey(r *http.Request) (any, error) {
	in, err := decode[createKeyInput](r)
	if err != nil {
		return nil, err
	}
	if err := s.identityAllows(s.caller(r), action(r), "*", nil); err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	id, text := uuid.NewString(), s.defaultPolicy()
	if in.Policy != nil {
		text = *in.Policy
		if err := s.checkPolicy(text, id, s.caller(r), in.BypassPolicyLockoutSafetyCheck); err != nil {
			return nil, err
		}
	}
	tags, err := merge(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	key := &Key{
		ID: id, Description: in.Description, Policy: text, Enabled: true, Created: s.Now(),
		Material: [][]byte{newMaterial()}, Tags: tags,
	}
	return s.describe(key), s.state.Update(func(all *State) error {
		s.purge(all)
		all.Keys[key.ID] = key
		return nil
	})
}

func newMaterial() []byte {
	material := make([]byte, materialBytes)
	rand.Read(material) // never fails, see its documentation
	return material
}

// keyInput names a key; the other members are those of single operations.
type keyInput struct {
	KeyID                string `json:"KeyId"`
	Description          *string
	PendingWindowInDays  *int
	RotationPeriodInDays *int
}

func (s *Service) describeKey(r *http.Request) (out any, err error) {
	in, err := decode[keyInput](r)
	if err != nil {
		return nil, err
	}
	err = s.view(r, s.find, in.KeyID, anyState, func(key *Key) error {
		out = s.describe(key)
		return nil
	})
	return out, err
}

func (s *Service) enableKey(r *http.Request) (any, error) {
	in, err := decode[keyInput](r)
	if err != nil {
		return nil, err
	}
	return nil, s.change(r, in.KeyID, notPending, func(key *Key) error {
		key.Enabled = true
		return nil
	})
}

func (s *Service) disableKey(r *http.Request) (any, error) {
	in, err := decode[keyInput](r)
	if err != nil {
		return nil, err
	}
	return nil, s.change(r, in.KeyID, notPending, func(key *Key) error {
		key.Enabled = false
		return nil
	})
}

func (s *Service) updateKeyDescription(r *http.Request) (any, error) {
	in, err := decode[keyInput](r)
	if err != nil {
		return nil, err
	}
	if in.Description == nil {
		return nil, constraint("null", "description", "Member must not be null")
	}
	if err := checkDescription(*in.Description); err != nil {
		return nil, err
	}
	return nil, s.change(r, in.KeyID, notPending, func(key *Key) error {
		key.Description = *in.Description
		return nil
	})
}

type deletionOutput struct {
	KeyID               string  `json:"KeyId"` // the ARN
	DeletionDate        float64 `json:",omitempty"`
	KeyState            string  `json:",omitempty"`
	PendingWindowInDays int     `json:",omitempty"`
}

func (s *Service) scheduleKeyDeletion(r *http.Request) (out any, err error) {
	in, err := decode[keyInput](r)
	if err != nil {
		return nil, err
	}
	days := maxPendingDays
	if in.PendingWindowInDays != nil {
		days = *in.PendingWindowInDays
	}
	if days < minPendingDays || days > maxPendingDays {
		return nil, constraint(days, "pendingWindowInDays", "Member must have value between 7 and 30")
	}
	err = s.change(r, in.KeyID, notPending, func(key *Key) error {
		key.Deletion = s.Now().Add(time.Duration(days) * day)
		out = deletionOutput{s.keyARN(key.ID), seconds(key.Deletion), "PendingDeletion", days}
		return nil
	})
	return out, err
}

// cancelKeyDeletion leaves the key disabled, as AWS does.
func (s *Service) cancelKeyDeletion(r *http.Request) (out any, err error) {
	in, err := decode[keyInput](r)
	if err != nil {
		return nil, err
	}
	err = s.change(r, in.KeyID, anyState, func(key *Key) error {
		if key.Deletion.IsZero() {
			return refusal("KMSInvalidStateException", "%s is not pending deletion.", s.keyARN(key.ID))
		}
		key.Deletion, key.Enabled = time.Time{}, false
		out = deletionOutput{KeyID: s.keyARN(key.ID)}
		return nil
	})
	return out, err
}
