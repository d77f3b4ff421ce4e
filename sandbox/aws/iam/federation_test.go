package iam_test

import (
	"path/filepath"
	"testing"

	iamsdk "github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/stretchr/testify/require"
)

func TestTheSwitchOfOutboundFederation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "iam.json")
	w := open(t, path)
	ctx := t.Context()
	info, err := w.GetOutboundWebIdentityFederationInfo(ctx, &iamsdk.GetOutboundWebIdentityFederationInfoInput{})
	require.NoError(t, err, "somebody turned it on before")
	require.Equal(t, issuer, *info.IssuerIdentifier)
	require.True(t, info.JwtVendingEnabled)
	_, err = w.EnableOutboundWebIdentityFederation(ctx, &iamsdk.EnableOutboundWebIdentityFederationInput{})
	requireCode(t, err, "FeatureEnabled", "already enabled")

	_, err = w.DisableOutboundWebIdentityFederation(ctx, &iamsdk.DisableOutboundWebIdentityFederationInput{})
	require.NoError(t, err)
	w = open(t, path)
	_, on := w.service.Federation()
	require.False(t, on)
	_, err = w.GetOutboundWebIdentityFederationInfo(ctx, &iamsdk.GetOutboundWebIdentityFederationInfoInput{})
	requireCode(t, err, "FeatureDisabled", "not enabled")
	_, err = w.DisableOutboundWebIdentityFederation(ctx, &iamsdk.DisableOutboundWebIdentityFederationInput{})
	requireCode(t, err, "FeatureDisabled", "not enabled")

	enabled, err := w.EnableOutboundWebIdentityFederation(ctx, &iamsdk.EnableOutboundWebIdentityFederationInput{})
	require.NoError(t, err)
	require.Equal(t, issuer, *enabled.IssuerIdentifier)
}
