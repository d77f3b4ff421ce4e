package secretsmanager

import (
	"net/http"
	"slices"
	"strconv"
)

// value is a secret value. It is never in an error or a log.
type value struct {
	String *string `json:"SecretString"`
	Binary []byte  `json:"SecretBinary"`
}

func (v value) given() bool { return v.String != nil || v.Binary != nil }

func (v value) check() error {
	switch {
	case v.String != nil && v.Binary != nil:
		return invalidParameter("You can't specify both a binary secret value and a string secret value in the same secret.")
	case v.String != nil && (*v.String == "" || len(*v.String) > maxValue):
		return constraint("secretString", "Member must have length between 1 and 65536")
	case v.Binary != nil && (len(v.Binary) == 0 || len(v.Binary) > maxValue):
		return constraint("secretBinary", "Member must have length between 1 and 65536")
	}
	return nil
}

func number(n int) string { return strconv.Itoa(n) }

type getInput struct {
	SecretID     string `json:"SecretId"`
	VersionID    string `json:"VersionId"`
	VersionStage string
}

type valueOutput struct {
	ARN           string
	Name          string
	VersionID     string   `json:"VersionId"`
	SecretString  *string  `json:",omitempty"`
	SecretBinary  []byte   `json:",omitempty"`
	VersionStages []string `json:",omitempty"`
	CreatedDate   *float64 `json:",omitempty"`
}

func (s *Service) getSecretValue(r *http.Request) (any, error) {
	in, err := decode[getInput](r)
	if err != nil {
		return nil, err
	}
	// That a request without a label has none, and not AWSCURRENT, is a guess on
	// the strict side.
	on, err := s.allow(r, "GetSecretValue", in.SecretID, keys{
		"secretsmanager:versionid": optional(in.VersionID), "secretsmanager:versionstage": optional(in.VersionStage),
	})
	if err != nil {
		return nil, err
	}
	out := valueOutput{ARN: on.ARN, Name: on.Name}
	keyID, today, first := "", day(s.Now()), false
	err = s.view(on.ARN, func(secret *Secret) error {
		version, id, err := in.find(secret)
		if err != nil {
			return err
		}
		out.VersionID, out.SecretString, out.SecretBinary = id, version.String, version.Binary
		out.VersionStages, out.CreatedDate = version.Stages, seconds(version.Created)
		keyID, first = version.KMSKeyID, !version.Accessed.Equal(today) || !secret.Accessed.Equal(today)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := s.checkKey(r, keyID, "kms:Decrypt"); err != nil {
		return nil, err
	}
	if !first { // there is nothing to save
		return out, nil
	}
	return out, s.change(on.ARN, func(secret *Secret) error {
		secret.Accessed = today
		if version := secret.Versions[out.VersionID]; version != nil {
			version.Accessed = today
		}
		return nil
	})
}

// find returns the version that a request asks for.
func (in getInput) find(secret *Secret) (*Version, string, error) {
	id, what := in.VersionID, "VersionId: "+in.VersionID
	if id == "" {
		stage := in.VersionStage
		if stage == "" {
			stage = current
		}
		id, what = secret.holder(stage), "staging label: "+stage
	}
	version := secret.Versions[id]
	if version == nil {
		return nil, "", missing("Secrets Manager can't find the specified secret value for %s", what)
	}
	if in.VersionID != "" && in.VersionStage != "" && !slices.Contains(version.Stages, in.VersionStage) {
		return nil, "", invalidRequest("You provided a VersionStage that is not associated to the provided VersionId.")
	}
	if version.empty() {
		return nil, "", missing("Secrets Manager can't find the specified secret value for %s", what)
	}
	return version, id, nil
}

type putInput struct {
	SecretID           string `json:"SecretId"`
	ClientRequestToken string
	value
	VersionStages []string
	RotationToken string // proves who rotates across accounts, and is not needed in one
}

func (in putInput) check() error {
	if err := in.value.check(); err != nil {
		return err
	}
	if !in.given() {
		return invalidRequest("You must provide either SecretString or SecretBinary.")
	}
	if err := checkToken(in.ClientRequestToken); err != nil {
		return err
	}
	if in.VersionStages != nil && (len(in.VersionStages) == 0 || len(in.VersionStages) > maxLabels) {
		return constraint("versionStages", "Member must have length between 1 and 20")
	}
	return checkStages(in.VersionStages...)
}

func checkStages(stages ...string) error {
	for _, stage := range stages {
		if stage == "" || len(stage) > 256 {
			return constraint("versionStage", "Member must have length between 1 and 256")
		}
	}
	return nil
}

// putSecretValue adds a version, or gives the version that RotateSecret made its
// value.
//
// The first version of a secret is current, whatever its labels
// (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html).
// Whether that goes for the value of a version that RotateSecret made is not
// said; see Options.FirstIsCurrent.
func (s *Service) putSecretValue(r *http.Request) (any, error) {
	in, err := decode[putInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	on, err := s.allow(r, "PutSecretValue", in.SecretID, keys{"secretsmanager:versionstage": in.VersionStages})
	if err != nil {
		return nil, err
	}
	if err := s.checkKey(r, on.KMSKeyID, "kms:GenerateDataKey", "kms:Decrypt"); err != nil {
		return nil, err
	}
	out := valueOutput{ARN: on.ARN, Name: on.Name, VersionID: in.ClientRequestToken}
	return &out, s.change(on.ARN, func(secret *Secret) error {
		version := secret.Versions[in.ClientRequestToken]
		if version != nil && !version.empty() {
			if !version.holds(in.value) {
				return tokenInUse(in.ClientRequestToken, secret.ARN)
			}
			out.VersionStages = version.Stages // the same request again
			return nil
		}
		stages := slices.Clone(in.VersionStages)
		if stages == nil {
			stages = []string{current}
		}
		if secret.holder(current) == "" && (len(secret.Versions) == 0 || s.FirstIsCurrent) && !slices.Contains(stages, current) {
			stages = append(stages, current)
		}
		labels := stages
		if slices.Contains(stages, current) && secret.holder(current) != "" {
			labels = append(slices.Clone(stages), previous)
		}
		if err := secret.checkLabels(labels...); err != nil {
			return err
		}
		s.put(secret, in.ClientRequestToken, in.value, stages)
		out.VersionStages = secret.Versions[in.ClientRequestToken].Stages
		return nil
	})
}

// put gives a version its value and labels.
func (s *Service) put(secret *Secret, id string, value value, stages []string) {
	version := secret.Versions[id]
	if version == nil {
		version = &Version{}
		secret.Versions[id] = version
	}
	version.String, version.Binary, version.KMSKeyID, version.Created = value.String, value.Binary, secret.KMSKeyID, s.Now()
	for _, stage := range stages {
		secret.label(id, stage)
	}
	secret.prune(s.Now())
	secret.Changed = s.Now()
	if slices.Contains(stages, current) {
		secret.renewed(s.Now())
	}
}

type stageInput struct {
	SecretID            string `json:"SecretId"`
	VersionStage        string
	MoveToVersionID     string `json:"MoveToVersionId"`
	RemoveFromVersionID string `json:"RemoveFromVersionId"`
}

func (s *Service) updateSecretVersionStage(r *http.Request) (any, error) {
	in, err := decode[stageInput](r)
	if err != nil {
		return nil, err
	}
	if err := checkStages(in.VersionStage); err != nil {
		return nil, err
	}
	if in.MoveToVersionID == "" && in.RemoveFromVersionID == "" { // the text is a guess
		return nil, invalidParameter("You must specify MoveToVersionId, RemoveFromVersionId or both.")
	}
	on, err := s.allow(r, "UpdateSecretVersionStage", in.SecretID, keys{"secretsmanager:versionstage": {in.VersionStage}})
	if err != nil {
		return nil, err
	}
	return secretOutput{ARN: on.ARN, Name: on.Name}, s.change(on.ARN, func(secret *Secret) error {
		if err := in.check(secret); err != nil {
			return err
		}
		if in.MoveToVersionID == "" {
			secret.unlabel(in.RemoveFromVersionID, in.VersionStage)
		} else {
			secret.label(in.MoveToVersionID, in.VersionStage)
		}
		secret.Changed = s.Now()
		return nil
	})
}

// check refuses what the labels of a secret do not permit. The texts of the
// refusals that the documentation only describes are guesses.
func (in stageInput) check(secret *Secret) error {
	stage, holder := in.VersionStage, secret.holder(in.VersionStage)
	to, from := secret.Versions[in.MoveToVersionID], secret.Versions[in.RemoveFromVersionID]
	switch {
	case in.MoveToVersionID != "" && to == nil, in.RemoveFromVersionID != "" && from == nil:
		return missing("Secrets Manager can't find the specified secret version.")
	case from != nil && holder != in.RemoveFromVersionID:
		return invalidParameter("Staging label %s isn't currently attached to version %s.", stage, in.RemoveFromVersionID)
	case to == nil && stage == current:
		return invalidParameter("You can only move staging label AWSCURRENT to a different secret version. It can’t be completely removed.")
	case to == nil:
		return nil
	case holder != "" && holder != in.MoveToVersionID && from == nil:
		return invalidParameter("The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, so you must explicitly reference that version in RemoveFromVersionId.", stage, holder)
	case stage == current && to.empty(): // that it is refused is a guess
		return invalidRequest("You can't move staging label AWSCURRENT to a version without a value.")
	}
	labels := []string{stage}
	if stage == current && holder != "" {
		labels = append(labels, previous)
	}
	return secret.checkLabels(labels...)
}
