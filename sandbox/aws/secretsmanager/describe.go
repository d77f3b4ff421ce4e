package secretsmanager

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/entragate/entragate/sandbox/aws/wire"
)

// description is what DescribeSecret and ListSecrets tell of a secret. What has
// no value is left out.
type description struct {
	ARN               string
	Name              string
	Description       string   `json:",omitempty"`
	KMSKeyID          string   `json:"KmsKeyId,omitempty"`
	CreatedDate       *float64 `json:",omitempty"`
	LastChangedDate   *float64 `json:",omitempty"`
	LastAccessedDate  *float64 `json:",omitempty"`
	DeletedDate       *float64 `json:",omitempty"`
	RotationEnabled   *bool    `json:",omitempty"`
	RotationLambdaARN string   `json:",omitempty"`
	RotationRules     *Rules   `json:",omitempty"`
	LastRotatedDate   *float64 `json:",omitempty"`
	NextRotationDate  *float64 `json:",omitempty"`
	Tags              tagList  `json:",omitempty"`

	VersionIDsToStages     map[string][]string `json:"VersionIdsToStages,omitempty"`     // of DescribeSecret
	SecretVersionsToStages map[string][]string `json:"SecretVersionsToStages,omitempty"` // of ListSecrets
}

func (s *Secret) describe() description {
	out := description{
		ARN: s.ARN, Name: s.Name, Description: s.Description, KMSKeyID: s.KMSKeyID, Tags: listOf(s.Tags),
		CreatedDate: seconds(s.Created), LastChangedDate: seconds(s.Changed), LastAccessedDate: seconds(s.Accessed),
		DeletedDate: seconds(s.Deletion),
	}
	if rotation := s.Rotation; rotation != nil {
		enabled, rules := rotation.Enabled, rotation.Rules.described()
		out.RotationEnabled, out.RotationLambdaARN, out.RotationRules = &enabled, rotation.LambdaARN, &rules
		if enabled {
			out.LastRotatedDate, out.NextRotationDate = seconds(rotation.Rotated), seconds(rotation.Next)
		}
	}
	return out
}

func (s *Service) describeSecret(r *http.Request) (any, error) {
	in, err := decode[secretInput](r)
	if err != nil {
		return nil, err
	}
	on, err := s.allow(r, "DescribeSecret", in.SecretID, nil)
	if err != nil {
		return nil, err
	}
	var out description
	s.state.View(func(all *State) {
		secret := s.find(all, on.ARN)
		if secret == nil {
			err = noSecret()
			return
		}
		out = secret.describe()
		out.VersionIDsToStages = secret.stages()
	})
	return out, err
}

type versionsInput struct {
	SecretID          string `json:"SecretId"`
	IncludeDeprecated bool
	MaxResults        *int
	NextToken         string
}

type versionAnswer struct {
	VersionID        string `json:"VersionId"`
	VersionStages    []string
	KMSKeyIDs        []string `json:"KmsKeyIds"`
	CreatedDate      *float64
	LastAccessedDate *float64 `json:",omitempty"`
}

type versionsOutput struct {
	ARN       string
	Name      string
	Versions  []versionAnswer
	NextToken string `json:",omitempty"`
}

func (s *Service) listSecretVersionIDs(r *http.Request) (any, error) {
	in, err := decode[versionsInput](r)
	if err != nil {
		return nil, err
	}
	limit, err := limit(in.MaxResults)
	if err != nil {
		return nil, err
	}
	on, err := s.allow(r, "ListSecretVersionIds", in.SecretID, nil)
	if err != nil {
		return nil, err
	}
	out := versionsOutput{ARN: on.ARN, Name: on.Name}
	var versions []versionAnswer
	s.state.View(func(all *State) {
		secret := s.find(all, on.ARN)
		if secret == nil {
			err = noSecret()
			return
		}
		for _, id := range slices.Sorted(maps.Keys(secret.Versions)) {
			version := secret.Versions[id]
			if len(version.Stages) == 0 && !in.IncludeDeprecated {
				continue
			}
			keyID := version.KMSKeyID
			if keyID == "" {
				keyID = "DefaultEncryptionKey"
			}
			versions = append(versions, versionAnswer{id, version.Stages, []string{keyID}, seconds(version.Created), seconds(version.Accessed)})
		}
	})
	if err != nil {
		return nil, err
	}
	out.Versions, out.NextToken, err = page(versions, func(v versionAnswer) string { return v.VersionID }, in.NextToken, limit)
	return out, err
}

// limit is how many results a request asks for.
func limit(given *int) (int, error) {
	if given == nil {
		return 100, nil
	}
	if *given < 1 || *given > 100 {
		return 0, constraint("maxResults", fmt.Sprintf("Member must have value between 1 and 100, got %d", *given))
	}
	return *given, nil
}

func page[T any](items []T, key func(T) string, token string, limit int) ([]T, string, error) {
	items, next, err := wire.Page(items, key, token, limit)
	if err != nil {
		return nil, "", refusal("InvalidNextTokenException", "Invalid NextToken.")
	}
	return items, next, nil
}
