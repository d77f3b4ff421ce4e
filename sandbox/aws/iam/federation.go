package iam

import (
	"net/http"
	"net/url"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// federation is the state of outbound identity federation.
type federation struct {
	IssuerIdentifier  string
	JwtVendingEnabled bool `xml:",omitempty"` // of GetOutboundWebIdentityFederationInfo only
}

// Federation returns the issuer of the account's web identity tokens, and
// whether outbound identity federation is on.
func (s *Service) Federation() (issuer string, enabled bool) {
	s.state.View(func(all *State) { enabled = s.Issuer != "" && !all.FederationDisabled })
	return s.Issuer, enabled
}

// enableFederation gives the account the issuer that it had before (a guess).
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_EnableOutboundWebIdentityFederation.html
func (s *Service) enableFederation(url.Values) (any, error) {
	err := s.state.Update(func(all *State) error {
		if s.Issuer == "" {
			return wire.NotImplemented("outbound identity federation without an issuer")
		}
		if !all.FederationDisabled { // the text is a guess
			return refusal(http.StatusConflict, "FeatureEnabled", "Outbound identity federation is already enabled for this account.")
		}
		all.FederationDisabled = false
		return nil
	})
	return federation{IssuerIdentifier: s.Issuer}, err
}

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DisableOutboundWebIdentityFederation.html
func (s *Service) disableFederation(url.Values) (any, error) {
	return nil, s.state.Update(func(all *State) error {
		if s.Issuer == "" || all.FederationDisabled {
			return federationDisabled()
		}
		all.FederationDisabled = true
		return nil
	})
}

// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetOutboundWebIdentityFederationInfo.html
func (s *Service) getFederation(url.Values) (any, error) {
	issuer, enabled := s.Federation()
	if !enabled {
		return nil, federationDisabled()
	}
	return federation{issuer, true}, nil
}

// federationDisabled says that the switch is off; the text is a guess.
func federationDisabled() error {
	return refusal(http.StatusNotFound, "FeatureDisabled", "Outbound identity federation is not enabled for this account.")
}
