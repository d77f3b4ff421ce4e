package sts

import (
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws/iam"
)

// Limits of https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html.
// How large the claims may be is not documented, and not limited.
const (
	maxAudiences    = 10
	maxAudience     = 1000 // characters
	minDuration     = 60   // seconds
	maxDuration     = 3600
	defaultDuration = 300
	maxTags         = 50
	maxTagKey       = 128 // characters
	maxTagValue     = 256
)

// tagText is what keys and values of tags are made of.
var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

type webIdentityTokenResponse struct {
	XMLName   xml.Name         `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetWebIdentityTokenResponse"`
	Result    webIdentityToken `xml:"GetWebIdentityTokenResult"`
	RequestID string           `xml:"ResponseMetadata>RequestId"`
}

type webIdentityToken struct {
	WebIdentityToken string
	Expiration       string
}

// tokenRequest is what a client asks for.
type tokenRequest struct {
	audiences []string
	algorithm string
	duration  time.Duration
	tags      map[string]string
}

func readTokenRequest(in url.Values) (tokenRequest, error) {
	q := tokenRequest{algorithm: in.Get("SigningAlgorithm"), tags: map[string]string{}}
	for i := 1; in.Has("Audience.member." + strconv.Itoa(i)); i++ {
		audience := in.Get("Audience.member." + strconv.Itoa(i))
		if audience == "" || utf8.RuneCountInString(audience) > maxAudience {
			return q, constraint(audience, "audience", "Member must have length between 1 and 1000")
		}
		q.audiences = append(q.audiences, audience)
	}
	if len(q.audiences) == 0 || len(q.audiences) > maxAudiences {
		return q, constraint(q.audiences, "audience", "Member must have length between 1 and 10")
	}
	if _, known := algorithms[q.algorithm]; !known {
		return q, constraint(q.algorithm, "signingAlgorithm", "Member must satisfy enum value set: [RS256, ES384]")
	}
	seconds := defaultDuration
	if text := in.Get("DurationSeconds"); text != "" {
		var err error
		if seconds, err = strconv.Atoi(text); err != nil || seconds < minDuration || seconds > maxDuration {
			return q, constraint(text, "durationSeconds", "Member must have value between 60 and 3600")
		}
	}
	q.duration = time.Duration(seconds) * time.Second
	for i := 1; in.Has("Tags.member." + strconv.Itoa(i) + ".Key"); i++ {
		prefix := "Tags.member." + strconv.Itoa(i)
		key, value := in.Get(prefix+".Key"), in.Get(prefix+".Value")
		if key == "" || utf8.RuneCountInString(key) > maxTagKey || !tagText.MatchString(key) {
			return q, constraint(key, "tags."+strconv.Itoa(i)+".member.key", "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+ and have length between 1 and 128")
		}
		if utf8.RuneCountInString(value) > maxTagValue || !tagText.MatchString(value) {
			return q, constraint(value, "tags."+strconv.Itoa(i)+".member.value", "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]* and have length at most 256")
		}
		if _, twice := q.tags[key]; twice { // the text is a guess
			return q, refusal(http.StatusBadRequest, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		q.tags[key] = value
	}
	if len(q.tags) > maxTags {
		return q, constraint(len(q.tags), "tags", "Member must have length less than or equal to 50")
	}
	return q, nil
}

// webIdentityToken signs who the caller is, for somebody outside of AWS. That the
// switch is looked at after the caller's permission is a guess.
func (s *Service) webIdentityToken(who caller, in url.Values) (webIdentityToken, error) {
	q, err := readTokenRequest(in)
	if err != nil {
		return webIdentityToken{}, err
	}
	if err := s.allow(who, q); err != nil {
		return webIdentityToken{}, err
	}
	issuer, enabled := s.Roles.Federation()
	if !enabled {
		return webIdentityToken{}, refusal(http.StatusForbidden, "OutboundWebIdentityFederationDisabledException",
			"Outbound web identity federation is disabled for this account.") // the text is a guess
	}
	now := s.Now().UTC().Truncate(time.Second)
	expires := now.Add(q.duration)
	if who.session != nil && expires.After(who.session.Expires) { // the text is a guess
		return webIdentityToken{}, refusal(http.StatusForbidden, "SessionDurationEscalationException",
			"The requested DurationSeconds exceeds the remaining duration of the session.")
	}
	raw, err := s.sign(q.algorithm, s.claims(who, q, issuer, now, expires))
	return webIdentityToken{raw, expires.Format(time.RFC3339)}, err
}

// allow refuses a role whose policies do not let it have the token, see
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_policies.html.
// The user may do everything.
func (s *Service) allow(who caller, q tokenRequest) error {
	if who.session == nil {
		return nil
	}
	keys := iam.Keys{
		"sts:IdentityTokenAudience": q.audiences,
		"sts:SigningAlgorithm":      {q.algorithm},
		"sts:DurationSeconds":       {strconv.Itoa(int(q.duration / time.Second))},
		"aws:TagKeys":               slices.Sorted(maps.Keys(q.tags)),
	}
	for key, value := range q.tags {
		keys["aws:RequestTag/"+key] = []string{value}
	}
	actions := []string{"sts:GetWebIdentityToken"}
	if len(q.tags) > 0 {
		actions = append(actions, "sts:TagGetWebIdentityToken")
	}
	for _, action := range actions {
		if !s.Roles.AllowsWith(who.session.RoleARN, action, "*", keys) {
			return refusal(http.StatusForbidden, "AccessDenied", "%s", iam.Denied(*who.session, action, "*"))
		}
	}
	return nil
}

// awsClaims is the claim that holds what only AWS has.
const awsClaims = "https://sts.amazonaws.com/"

// claims are those of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_outbound_token_claims.html.
// The account is in no organization. That several audiences make a list is a
// guess; the page shows one, which is a text.
func (s *Service) claims(who caller, q tokenRequest, issuer string, now, expires time.Time) map[string]any {
	own := map[string]any{"aws_account": s.Account, "source_region": s.Region}
	subject := who.arn
	if session := who.session; session != nil {
		subject = session.RoleARN
		if tags, _ := s.Roles.Tags(session.RoleARN); len(tags) > 0 {
			own["principal_tags"] = tags
		}
		if session.Service == "lambda.amazonaws.com" {
			own["lambda_source_function_arn"] = "arn:aws:lambda:" + s.Region + ":" + s.Account + ":function:" + session.Name
		}
	}
	if len(q.tags) > 0 {
		own["request_tags"] = q.tags
	}
	var audience any = q.audiences
	if len(q.audiences) == 1 {
		audience = q.audiences[0]
	}
	return map[string]any{
		"iss": issuer, "aud": audience, "sub": subject, "iat": now.Unix(), "exp": expires.Unix(), "jti": uuid.NewString(), awsClaims: own,
	}
}
