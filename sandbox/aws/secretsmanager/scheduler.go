package secretsmanager

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

// The steps of a rotation, in their order, see
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_how.html.
var steps = []string{"createSecret", "setSecret", "testSecret", "finishSecret"}

// event is what a rotation function is invoked with.
type event struct {
	Step               string
	SecretID           string `json:"SecretId"`
	ClientRequestToken string
}

// due is a secret whose rotation is due.
type due struct {
	arn string
	at  time.Time
}

// Run does what is due every second, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		if err := s.Tick(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Tick does what is due now and waits for it, and for the rotations that are
// under way: rotations by the schedule and those that failed before, in the
// order in which they became due, and deletions whose window is over. A secret
// that missed several rotations is rotated once.
func (s *Service) Tick() error {
	if err := s.purge(); err != nil {
		return err
	}
	for _, next := range s.dues() {
		if err := s.plan(next.arn); err != nil {
			return err
		}
		<-s.start(next.arn)
	}
	s.mu.Lock()
	var under []chan struct{}
	for _, done := range s.rotations {
		under = append(under, done)
	}
	s.mu.Unlock()
	for _, done := range under {
		<-done
	}
	return nil
}

// dues are the secrets whose rotation is due, the longest first.
func (s *Service) dues() []due {
	var found []due
	s.state.View(func(all *State) {
		for _, secret := range all.Secrets {
			if at, ok := s.dueAt(secret); ok && !at.After(s.Now()) {
				found = append(found, due{secret.ARN, at})
			}
		}
	})
	slices.SortFunc(found, func(a, b due) int {
		if order := a.at.Compare(b.at); order != 0 {
			return order
		}
		return slices.Compare([]byte(a.arn), []byte(b.arn))
	})
	return found
}

// dueAt returns when a secret is to be rotated.
func (s *Service) dueAt(secret *Secret) (time.Time, bool) {
	rotation := secret.Rotation
	switch {
	case rotation == nil || !rotation.Enabled || !secret.Deletion.IsZero():
		return time.Time{}, false
	case rotation.Run != nil:
		return rotation.Run.Due, true
	}
	return rotation.Next, !rotation.Next.IsZero()
}

// NextDue tells when the next rotation is due, if any is.
func (s *Service) NextDue() (next time.Time, some bool) {
	s.state.View(func(all *State) {
		for _, secret := range all.Secrets {
			if at, ok := s.dueAt(secret); ok && (!some || at.Before(next)) {
				next, some = at, true
			}
		}
	})
	return next, some
}

// plan makes the run of a secret that the schedule says is due.
func (s *Service) plan(arn string) error {
	return s.state.Update(func(all *State) error {
		secret := s.find(all, arn)
		if secret == nil {
			return nil
		}
		at, ok := s.dueAt(secret)
		if ok && !at.After(s.Now()) && secret.Rotation.Run == nil {
			secret.begin(secret.plannedRun(s.Now()), s.Now())
		}
		return nil
	})
}

// start runs the rotation of a secret if it has one that is due, and returns
// what is closed when it is over. A secret is never rotated twice at a time.
func (s *Service) start(arn string) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	done, under := s.rotations[arn]
	if under {
		return done
	}
	done = make(chan struct{})
	if s.closed {
		close(done)
		return done
	}
	s.rotations[arn] = done
	go func() {
		defer close(done)
		for {
			run, functionARN, found := s.dueRun(arn)
			if found && s.rotate(arn, run, functionARN) == nil {
				continue // another one may have been asked for by now
			}
			// What is asked for after this look finds no rotation under way.
			s.mu.Lock()
			if _, _, again := s.dueRun(arn); !again || found {
				delete(s.rotations, arn)
				s.mu.Unlock()
				return
			}
			s.mu.Unlock()
		}
	}()
	return done
}

// dueRun returns the run of a secret that is due.
func (s *Service) dueRun(arn string) (run Run, functionARN string, found bool) {
	s.state.View(func(all *State) {
		secret := s.find(all, arn)
		if secret == nil {
			return
		}
		if at, ok := s.dueAt(secret); ok && secret.Rotation.Run != nil && !at.After(s.Now()) {
			run, functionARN, found = *secret.Rotation.Run, secret.Rotation.LambdaARN, true
		}
	})
	return run, functionARN, found
}

// rotate makes one attempt. It returns an error when it could not be made or
// recorded, and so is still due.
func (s *Service) rotate(arn string, run Run, functionARN string) error {
	kind, todo := "Rotation", steps
	if run.Test {
		kind, todo = "TestRotation", []string{"testSecret"}
	}
	s.OnEvent(kind+"Started", arn, "version "+run.VersionID)
	for _, step := range todo {
		if !s.runs(arn, run) {
			s.OnEvent(kind+"Abandoned", arn, "version "+run.VersionID+": cancelled before "+step)
			return nil
		}
		payload, err := json.Marshal(event{step, arn, run.VersionID})
		if err != nil {
			return err
		}
		_, err = s.Invoke(s.background, functionARN, arn, payload)
		if ended := s.background.Err(); ended != nil { // tried again when the sandbox is back
			return ended
		}
		if err != nil {
			// What the function says may hold anything, so it is left to its log.
			why := "failed"
			if errors.Is(err, ErrNotPermitted) {
				why = ErrNotPermitted.Error()
			}
			return s.fail(arn, run, kind, step+": "+why)
		}
	}
	return s.finish(arn, run, kind)
}

// runs reports whether a run is still wanted.
func (s *Service) runs(arn string, run Run) bool {
	wanted := false
	s.state.View(func(all *State) {
		secret := s.find(all, arn)
		wanted = secret != nil && secret.Deletion.IsZero() && secret.isRunning(run)
	})
	return wanted
}

func (s *Secret) isRunning(run Run) bool {
	return s.Rotation != nil && s.Rotation.Run != nil && s.Rotation.Run.VersionID == run.VersionID
}

// settle calls fn with the secret if it still has the run, and then tells of
// the event that fn returns.
func (s *Service) settle(arn string, run Run, fn func(*Secret) (kind, detail string)) error {
	var kind, detail string
	err := s.state.Update(func(all *State) error {
		if secret := s.find(all, arn); secret != nil && secret.isRunning(run) {
			kind, detail = fn(secret)
		}
		return nil
	})
	if err == nil && kind != "" {
		s.OnEvent(kind, arn, detail)
	}
	return err
}

// fail ends an attempt that failed. The next one is in a while.
func (s *Service) fail(arn string, run Run, kind, why string) error {
	return s.settle(arn, run, func(secret *Secret) (string, string) {
		detail := "version " + run.VersionID + ": " + why
		switch {
		case run.Test:
			secret.forget(run)
		case secret.abandoned():
			// Who takes the label off wants no further attempt (a guess).
			secret.Rotation.Run = nil
			secret.Rotation.Next = secret.Rotation.Rules.next(s.Now(), s.Now())
			return kind + "Abandoned", detail
		default:
			secret.Rotation.Run.failed(s.Now())
		}
		return kind + "Failed", detail
	})
}

// finish ends an attempt of which every step succeeded. It failed nevertheless
// if the version is not current and has the label still.
func (s *Service) finish(arn string, run Run, kind string) error {
	return s.settle(arn, run, func(secret *Secret) (string, string) {
		detail := "version " + run.VersionID
		switch {
		case run.Test:
			secret.forget(run)
		case secret.stuck() == run.VersionID:
			secret.Rotation.Run.failed(s.Now())
			return kind + "Failed", detail + ": finishSecret: the version is not current and still AWSPENDING"
		default:
			secret.Rotation.Run, secret.Rotation.Rotated, secret.Changed = nil, s.Now(), s.Now()
			secret.renewed(s.Now())
			secret.prune(s.Now())
		}
		return kind + "Succeeded", detail
	})
}

// forget removes the version that was made for a test.
func (s *Secret) forget(run Run) {
	s.Rotation.Run = nil
	version := s.Versions[run.VersionID]
	if version == nil {
		return
	}
	s.unlabel(run.VersionID, pending)
	if version.empty() && len(version.Stages) == 0 {
		delete(s.Versions, run.VersionID)
	}
}
