package secretsmanager

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// The staging labels that Secrets Manager moves itself, see
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html.
const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
	pending  = "AWSPENDING"
)

// Limits of https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html.
const (
	maxValue    = 65536 // bytes
	maxLabels   = 20    // across all versions of a secret
	maxVersions = 100
	keepVersion = 24 * time.Hour
)

// managedKey is the key of the account, which is used when there is none.
const managedKey = "alias/aws/secretsmanager"

// State is what is kept durable.
type State struct {
	Secrets map[string]*Secret `json:"secrets"` // keyed by name
}

// Secret is a secret with all its versions.
type Secret struct {
	ARN         string              `json:"arn"`
	Name        string              `json:"name"`
	Description string              `json:"description,omitempty"`
	KMSKeyID    string              `json:"kmsKeyId,omitempty"`
	Policy      string              `json:"policy,omitempty"`
	Tags        map[string]string   `json:"tags"` // replaced when it changes
	Versions    map[string]*Version `json:"versions"`
	Rotation    *Rotation           `json:"rotation,omitempty"`
	Created     time.Time           `json:"created"`
	Changed     time.Time           `json:"changed"`
	Accessed    time.Time           `json:"accessed,omitzero"` // the day
	Deletion    time.Time           `json:"deletion,omitzero"` // end of the window for recovery
}

// Version is a version of a secret. Those that RotateSecret makes have no value
// at first.
type Version struct {
	String   *string   `json:"string,omitempty"`
	Binary   []byte    `json:"binary,omitempty"`
	KMSKeyID string    `json:"kmsKeyId,omitempty"`
	Stages   []string  `json:"stages"` // sorted
	Created  time.Time `json:"created"`
	Accessed time.Time `json:"accessed,omitzero"` // the day
}

func (v *Version) empty() bool { return v.String == nil && v.Binary == nil }

func (v *Version) holds(value value) bool {
	if v.String != nil && value.String != nil {
		return *v.String == *value.String
	}
	return v.Binary != nil && value.Binary != nil && bytes.Equal(v.Binary, value.Binary)
}

// holder returns the version with a staging label, or "".
func (s *Secret) holder(stage string) string {
	for id, version := range s.Versions {
		if slices.Contains(version.Stages, stage) {
			return id
		}
	}
	return ""
}

// label moves a staging label to a version, from whichever has it. AWSCURRENT
// takes AWSPREVIOUS along: it goes to the version that was current.
func (s *Secret) label(id, stage string) {
	was := s.holder(stage)
	if was == id {
		return
	}
	if was != "" {
		s.unlabel(was, stage)
	}
	version := s.Versions[id]
	version.Stages = append(slices.Clone(version.Stages), stage)
	slices.Sort(version.Stages)
	if stage == current && was != "" {
		s.label(was, previous)
	}
}

func (s *Secret) unlabel(id, stage string) {
	version := s.Versions[id]
	version.Stages = slices.DeleteFunc(slices.Clone(version.Stages), func(has string) bool { return has == stage })
}

// checkLabels refuses labels of which there would be too many.
func (s *Secret) checkLabels(add ...string) error {
	labels := map[string]bool{}
	for _, version := range s.Versions {
		for _, stage := range version.Stages {
			labels[stage] = true
		}
	}
	for _, stage := range add {
		labels[stage] = true
	}
	if len(labels) > maxLabels {
		return refusal("LimitExceededException", "You can't attach more than %d staging labels to the versions of a secret.", maxLabels)
	}
	return nil
}

// prune removes the oldest versions without labels when there are too many.
func (s *Secret) prune(now time.Time) {
	var old []string
	for id, version := range s.Versions {
		if len(version.Stages) == 0 && now.Sub(version.Created) > keepVersion {
			old = append(old, id)
		}
	}
	slices.SortFunc(old, func(a, b string) int { return s.Versions[a].Created.Compare(s.Versions[b].Created) })
	for _, id := range old[:max(0, min(len(old), len(s.Versions)-maxVersions))] {
		delete(s.Versions, id)
	}
}

// stages returns the labels of the versions that have any.
func (s *Secret) stages() map[string][]string {
	stages := map[string][]string{}
	for id, version := range s.Versions {
		if len(version.Stages) > 0 {
			stages[id] = version.Stages
		}
	}
	return stages
}

// complete is the end of ARNs that are not partial, as they are read.
var complete = regexp.MustCompile(`-[A-Za-z0-9]{6}$`)

// find returns the secret that an ARN, a partial ARN or a name names, or nil. An
// ARN is partial without the random characters; what only looks as if it had
// them is taken for complete, as
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen
// warns. A secret whose window for recovery is over is no more.
func (s *Service) find(all *State, id string) *Secret {
	var found *Secret
	if tail, isARN := strings.CutPrefix(id, s.arnPrefix()); isARN {
		for _, secret := range all.Secrets {
			if secret.ARN == id || secret.Name == tail && !complete.MatchString(tail) {
				found = secret
			}
		}
	} else {
		found = all.Secrets[id]
	}
	if found == nil || s.gone(found) {
		return nil
	}
	return found
}

// gone reports whether a secret was deleted for good.
func (s *Service) gone(secret *Secret) bool {
	return !secret.Deletion.IsZero() && !s.Now().Before(secret.Deletion)
}

// view calls fn with a secret, which fn must not change. Secrets that are marked
// for deletion are refused.
func (s *Service) view(arn string, fn func(*Secret) error) error {
	var err error
	s.state.View(func(all *State) {
		switch secret := s.find(all, arn); {
		case secret == nil:
			err = noSecret()
		case !secret.Deletion.IsZero():
			err = markedForDeletion()
		default:
			err = fn(secret)
		}
	})
	return err
}

// change calls fn with a secret, to change it. Secrets that are marked for
// deletion are refused.
func (s *Service) change(arn string, fn func(*Secret) error) error {
	return s.state.Update(func(all *State) error {
		switch secret := s.find(all, arn); {
		case secret == nil:
			return noSecret()
		case !secret.Deletion.IsZero():
			return markedForDeletion()
		default:
			return fn(secret)
		}
	})
}

// purge removes the secrets whose window for recovery is over. There is nothing
// to save when there are none.
func (s *Service) purge() error {
	due := false
	s.state.View(func(all *State) {
		for _, secret := range all.Secrets {
			due = due || s.gone(secret)
		}
	})
	if !due {
		return nil
	}
	return s.state.Update(func(all *State) error {
		maps.DeleteFunc(all.Secrets, func(_ string, secret *Secret) bool { return s.gone(secret) })
		return nil
	})
}

// seconds is a time as the protocol has it.
func seconds(at time.Time) *float64 {
	if at.IsZero() {
		return nil
	}
	value := float64(at.UnixMilli()) / 1000
	return &value
}

// day is the day of a time: dates of access have no hour.
func day(at time.Time) time.Time { return at.UTC().Truncate(24 * time.Hour) }
