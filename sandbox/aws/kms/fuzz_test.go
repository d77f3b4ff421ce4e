package kms

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// FuzzPolicy looks for key policies that are taken and allow what they do not
// say: nobody is allowed without an Allow, and a Deny of all denies all.
func FuzzPolicy(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*","Resource":"*"}]}`)
	f.Add(`{"Statement":{"Effect":"Deny","NotPrincipal":{"Service":["a.amazonaws.com"]},"NotAction":"kms:Put*","NotResource":"x","Condition":{"ForAnyValue:StringLike":{"kms:EncryptionContextKeys":["a*",1,true]},"Null":{"a:b":true}}}}`)
	s := &Service{Options: Options{Account: "000000000000", Region: "eu-west-1"}}
	f.Fuzz(func(t *testing.T, text string) {
		policy, err := parse(text)
		if err != nil {
			require.IsType(t, &wire.Error{}, err)
			return
		}
		allows := false
		for _, each := range policy.Statement {
			allows = allows || each.Effect == "Allow"
		}
		context := map[string]string{"kms:EncryptionContext:a": "b"}
		for _, name := range []string{"arn:aws:iam::000000000000:role/r", "arn:aws:iam::000000000000:root", "a.amazonaws.com", ""} {
			who := caller{name, name}
			err := s.decide(policy, "x", who, "kms:Decrypt", context)
			require.False(t, err == nil && !allows)
			all := statement{Effect: "Deny", Principal: &principal{Any: true}, Action: many[string]{"*"}, Resource: many[string]{"*"}}
			denied := policy
			denied.Statement = append(many[statement]{all}, policy.Statement...)
			require.Error(t, s.decide(denied, "x", who, "kms:Decrypt", context))
		}
	})
}

// FuzzOpen looks for texts that decrypt without having been encrypted.
func FuzzOpen(f *testing.F) {
	key := &Key{ID: "12345678-0000-0000-0000-000000000000", Material: [][]byte{newMaterial(), newMaterial()}}
	f.Add(key.seal([]byte("p"), nil)[:40], "a")
	f.Add([]byte{blobVersion}, "")
	f.Fuzz(func(t *testing.T, blob []byte, context string) {
		keyOf(blob)
		_, ok := key.open(blob, map[string]string{"c": context})
		require.False(t, ok)
	})
}
