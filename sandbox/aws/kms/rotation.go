package kms

import (
	"net/http"
	"time"
)

// Limits of https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html.
const (
	rotationStandard = 365 // days
	rotationLeast    = 90
	rotationMost     = 2560
)

type rotationOutput struct {
	KeyID                string `json:"KeyId"` // the ARN
	KeyRotationEnabled   bool
	RotationPeriodInDays int     `json:",omitempty"`
	NextRotationDate     float64 `json:",omitempty"`
}

// getKeyRotationStatus says that a key that is to be deleted does not rotate,
// until the deletion is cancelled. That the period is told only while rotation
// is on is a guess.
func (s *Service) getKeyRotationStatus(r *http.Request) (out any, err error) {
	in, err := decode[keyInput](r)
	if err != nil {
		return nil, err
	}
	err = s.view(r, s.byID, in.KeyID, anyState, func(key *Key) error {
		status := rotationOutput{KeyID: s.keyARN(key.ID)}
		if key.RotationDays > 0 && key.Deletion.IsZero() {
			status.KeyRotationEnabled, status.RotationPeriodInDays = true, key.RotationDays
			status.NextRotationDate = seconds(key.following(s.Now()))
		}
		out = status
		return nil
	})
	return out, err
}

func (s *Service) enableKeyRotation(r *http.Request) (any, error) {
	in, err := decode[keyInput](r)
	if err != nil {
		return nil, err
	}
	if days := in.RotationPeriodInDays; days != nil && (*days < rotationLeast || *days > rotationMost) {
		return nil, constraint(*days, "rotationPeriodInDays", "Member must have value between 90 and 2560")
	}
	return nil, s.change(r, in.KeyID, enabled, func(key *Key) error {
		s.rotate(key)
		// Without a period, one that was set stays.
		days := key.RotationDays
		switch {
		case in.RotationPeriodInDays != nil:
			days = *in.RotationPeriodInDays
		case days == 0:
			days = rotationStandard
		}
		if days != key.RotationDays { // the new period begins now
			key.RotationDays, key.NextRotation = days, s.Now().Add(time.Duration(days)*day)
		}
		return nil
	})
}

func (s *Service) disableKeyRotation(r *http.Request) (any, error) {
	in, err := decode[keyInput](r)
	if err != nil {
		return nil, err
	}
	return nil, s.change(r, in.KeyID, enabled, func(key *Key) error {
		s.rotate(key)
		key.RotationDays, key.NextRotation = 0, time.Time{}
		return nil
	})
}

// following is the first rotation after now.
func (k *Key) following(now time.Time) time.Time {
	next := k.NextRotation
	for k.RotationDays > 0 && !next.After(now) {
		next = next.Add(time.Duration(k.RotationDays) * day)
	}
	return next
}

// rotate adds the material of rotations that were due, before the key is used.
// One that was due several times gets one new material: nobody could have used
// the others. Keys that are disabled do not rotate.
func (s *Service) rotate(key *Key) {
	if !s.rotationDue(key) {
		return
	}
	key.NextRotation = key.following(s.Now())
	key.Material = append(key.Material, newMaterial())
}

func (s *Service) rotationDue(key *Key) bool {
	return key.RotationDays > 0 && key.Enabled && key.Deletion.IsZero() && !key.NextRotation.After(s.Now())
}
