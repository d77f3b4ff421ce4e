package kms

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Limits of https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html.
const (
	maxPlaintext  = 4096
	maxCiphertext = 6144
	maxDataKey    = 1024
)

// A ciphertext is a version, the key's id, the number of its material, a nonce
// and what AES-GCM made. The form of AWS's is not documented either.
const (
	blobVersion = 1
	blobHeader  = 1 + 16 + 4
	nonceBytes  = 12
)

type cryptoInput struct {
	KeyID               string `json:"KeyId"`
	Plaintext           []byte
	CiphertextBlob      []byte
	EncryptionContext   map[string]string
	EncryptionAlgorithm string
	KeySpec             string
	NumberOfBytes       *int
	Recipient           json.RawMessage
	DryRun              bool
}

type cryptoOutput struct {
	KeyID               string `json:"KeyId"` // the ARN
	Plaintext           []byte `json:",omitempty"`
	CiphertextBlob      []byte `json:",omitempty"`
	EncryptionAlgorithm string `json:",omitempty"`
}

// context is what key policies see of a request.
func (in cryptoInput) context() map[string]string {
	context := map[string]string{"kms:EncryptionAlgorithm": symmetric}
	for name, value := range in.EncryptionContext {
		context["kms:EncryptionContext:"+name] = value
	}
	return context
}

func (in cryptoInput) check() error {
	if len(in.Recipient) > 0 && string(in.Recipient) != "null" {
		return wire.NotImplemented("a recipient in an enclave")
	}
	if in.EncryptionAlgorithm != "" && in.EncryptionAlgorithm != symmetric {
		return refusal("InvalidKeyUsageException", "EncryptionAlgorithm %s is not supported by the key", in.EncryptionAlgorithm)
	}
	return nil
}

// use calls fn with the key of a cryptographic operation, which may add
// material to it first.
func (s *Service) use(r *http.Request, in cryptoInput, name string, fn func(*Key) error) error {
	run := func(all *State, rotate bool) error {
		key, err := s.permitted(r, all, s.find, name, enabled, in.context())
		if err != nil {
			return err
		}
		if in.DryRun {
			return refusal("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")
		}
		if rotate {
			s.rotate(key)
		}
		return fn(key)
	}
	due := false
	var err error
	s.state.View(func(all *State) {
		if key, missing := s.find(all, name); missing == nil && s.rotationDue(key) {
			due = true
			return
		}
		err = run(all, false)
	})
	if due {
		return s.state.Update(func(all *State) error { return run(all, true) })
	}
	return err
}

func (s *Service) encrypt(r *http.Request) (out any, err error) {
	in, err := decode[cryptoInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if n := len(in.Plaintext); n < 1 || n > maxPlaintext {
		return nil, constraint("*** redacted ***", "plaintext", "Member must have length between 1 and 4096")
	}
	err = s.use(r, in, in.KeyID, func(key *Key) error {
		sealed := key.seal(in.Plaintext, in.EncryptionContext)
		out = cryptoOutput{KeyID: s.keyARN(key.ID), CiphertextBlob: sealed, EncryptionAlgorithm: symmetric}
		return nil
	})
	return out, err
}

func (s *Service) decrypt(r *http.Request) (out any, err error) {
	in, err := decode[cryptoInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	if n := len(in.CiphertextBlob); n < 1 || n > maxCiphertext {
		return nil, constraint("...", "ciphertextBlob", "Member must have length between 1 and 6144")
	}
	id, ok := keyOf(in.CiphertextBlob)
	if !ok {
		return nil, unreadable()
	}
	name := id
	if in.KeyID != "" {
		name = in.KeyID
	}
	err = s.use(r, in, name, func(key *Key) error {
		if key.ID != id {
			return refusal("IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
		}
		plaintext, ok := key.open(in.CiphertextBlob, in.EncryptionContext)
		if !ok {
			return unreadable()
		}
		out = cryptoOutput{KeyID: s.keyARN(key.ID), Plaintext: plaintext, EncryptionAlgorithm: symmetric}
		return nil
	})
	return out, err
}

// unreadable has no message, as AWS's has none.
func unreadable() error { return refusal("InvalidCiphertextException", "") }

func (s *Service) generateDataKey(r *http.Request) (any, error) {
	return s.dataKey(r, true)
}

func (s *Service) generateDataKeyWithoutPlaintext(r *http.Request) (any, error) {
	return s.dataKey(r, false)
}

func (s *Service) dataKey(r *http.Request, plain bool) (out any, err error) {
	in, err := decode[cryptoInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	n := 0
	switch {
	case (in.KeySpec == "") == (in.NumberOfBytes == nil):
		return nil, refusal("ValidationException", "Please specify either number of bytes or key spec.")
	case in.NumberOfBytes != nil:
		n = *in.NumberOfBytes
	default:
		n = map[string]int{"AES_128": 16, "AES_256": 32}[in.KeySpec]
	}
	switch {
	case n == 0 && in.KeySpec != "":
		return nil, constraint(in.KeySpec, "keySpec", "Member must satisfy enum value set: [AES_256, AES_128]")
	case n < 1 || n > maxDataKey:
		return nil, constraint(n, "numberOfBytes", "Member must have value between 1 and 1024")
	}
	err = s.use(r, in, in.KeyID, func(key *Key) error {
		secret := make([]byte, n)
		rand.Read(secret) // never fails, see its documentation
		answer := cryptoOutput{KeyID: s.keyARN(key.ID), CiphertextBlob: key.seal(secret, in.EncryptionContext)}
		if plain {
			answer.Plaintext = secret
		}
		out = answer
		return nil
	})
	return out, err
}

// associated is what a ciphertext is bound to: its header and the encryption
// context, in one order.
func associated(header []byte, context map[string]string) []byte {
	bound := slices.Clone(header)
	for _, name := range slices.Sorted(maps.Keys(context)) {
		for _, text := range []string{name, context[name]} {
			bound = binary.AppendUvarint(bound, uint64(len(text)))
			bound = append(bound, text...)
		}
	}
	return bound
}

func gcm(material []byte) cipher.AEAD {
	block, err := aes.NewCipher(material)
	if err != nil {
		panic(err) // the material has the length of a key
	}
	sealer, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has the block size that GCM needs
	}
	return sealer
}

// seal encrypts with the newest material.
func (k *Key) seal(plaintext []byte, context map[string]string) []byte {
	id := uuid.MustParse(k.ID)
	blob := append([]byte{blobVersion}, id[:]...)
	blob = binary.BigEndian.AppendUint32(blob, uint32(len(k.Material)-1)) //nolint:gosec // rotations are few
	bound := associated(blob, context)
	nonce := make([]byte, nonceBytes)
	rand.Read(nonce) // never fails, see its documentation
	blob = append(blob, nonce...)
	return gcm(k.Material[len(k.Material)-1]).Seal(blob, nonce, plaintext, bound)
}

// keyOf returns the id of the key that made a ciphertext.
func keyOf(blob []byte) (string, bool) {
	if len(blob) < blobHeader+nonceBytes || blob[0] != blobVersion {
		return "", false
	}
	id, err := uuid.FromBytes(blob[1:17])
	return id.String(), err == nil
}

// open decrypts what [Key.seal] made, with whatever material it was.
func (k *Key) open(blob []byte, context map[string]string) ([]byte, bool) {
	if len(blob) < blobHeader+nonceBytes {
		return nil, false
	}
	number := binary.BigEndian.Uint32(blob[17:blobHeader])
	if uint64(number) >= uint64(len(k.Material)) {
		return nil, false
	}
	nonce := blob[blobHeader : blobHeader+nonceBytes]
	plaintext, err := gcm(k.Material[number]).Open(nil, nonce, blob[blobHeader+nonceBytes:], associated(blob[:blobHeader], context))
	return plaintext, err == nil
}
