package secretsmanager

import (
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/entragate/entragate/sandbox/aws/secretsmanager/policy"
	"github.com/entragate/entragate/sandbox/aws/wire"
)

// Rotation is how a secret is rotated. It stays when rotation is cancelled.
type Rotation struct {
	Enabled   bool      `json:"enabled"`
	LambdaARN string    `json:"lambdaArn"`
	Rules     Rules     `json:"rules"`
	Rotated   time.Time `json:"rotated,omitzero"` // the last time
	Renewed   time.Time `json:"renewed,omitzero"` // the last time that counts for the schedule
	Next      time.Time `json:"next,omitzero"`
	Run       *Run      `json:"run,omitempty"` // that is under way, or is tried again
}

// Run is one rotation, with all its attempts. They have the same version, so
// that the function can go on where it failed: the documentation says that the
// whole rotation is repeated, and that the token prevents duplicate versions
// when it is.
type Run struct {
	VersionID string    `json:"versionId"`
	Test      bool      `json:"test,omitempty"` // only of the function
	Failures  int       `json:"failures,omitempty"`
	Due       time.Time `json:"due"`
}

// retries are the times between attempts; the last one is repeated. AWS says
// only that it tries "multiple times", so all of them are guesses.
var retries = []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 24 * time.Hour}

// failed puts off the next attempt.
func (r *Run) failed(now time.Time) {
	r.Due = now.Add(retries[min(r.Failures, len(retries)-1)])
	r.Failures++
}

// renewed tells the schedule that there is a new current value, by a rotation or
// by hand (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotationRulesType.html).
// That a value by hand does not change the date of the last rotation is a guess.
func (s *Secret) renewed(now time.Time) {
	if s.Rotation != nil {
		s.Rotation.Renewed = now
		s.Rotation.Next = s.Rotation.Rules.next(now, now)
	}
}

// stuck returns the version of a rotation that is not complete, or "".
func (s *Secret) stuck() string {
	id := s.holder(pending)
	if id == "" || id == s.holder(current) {
		return ""
	}
	return id
}

// begin makes the version of a rotation, which has no value yet.
func (s *Secret) begin(run Run, now time.Time) {
	if s.Versions[run.VersionID] == nil {
		s.Versions[run.VersionID] = &Version{Stages: []string{}, Created: now}
	}
	s.label(run.VersionID, pending)
	s.Rotation.Run = &run
}

type rotateInput struct {
	SecretID           string `json:"SecretId"`
	ClientRequestToken string
	RotationLambdaARN  string
	RotationRules      *Rules
	RotateImmediately  *bool

	ExternalSecretRotationMetadata []any
	ExternalSecretRotationRoleARN  string `json:"ExternalSecretRotationRoleArn"`
}

func (in rotateInput) check() error {
	if len(in.ExternalSecretRotationMetadata) > 0 || in.ExternalSecretRotationRoleARN != "" {
		return wire.NotImplemented("rotation of external secrets")
	}
	if len(in.RotationLambdaARN) > 2048 {
		return constraint("rotationLambdaARN", "Member must have length less than or equal to 2048")
	}
	if in.RotationRules != nil {
		if _, err := in.RotationRules.parse(); err != nil {
			return err
		}
	}
	return checkToken(in.ClientRequestToken)
}

// plan returns the rotation of a secret as a request wants it.
func (in rotateInput) plan(secret *Secret) (Rotation, error) {
	var plan Rotation
	if secret.Rotation != nil {
		plan = *secret.Rotation
	}
	plan.Enabled = true
	if in.RotationLambdaARN != "" {
		plan.LambdaARN = in.RotationLambdaARN
	}
	if in.RotationRules != nil {
		plan.Rules = *in.RotationRules
	}
	if plan.LambdaARN == "" {
		return plan, invalidRequest("No Lambda rotation function ARN is associated with this secret.")
	}
	_, err := plan.Rules.parse()
	return plan, err
}

// rotateSecret stores how a secret is rotated and starts a rotation, or a test
// of the function. Its end is not waited for.
func (s *Service) rotateSecret(r *http.Request) (any, error) {
	in, err := decode[rotateInput](r)
	if err != nil {
		return nil, err
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	immediately := in.RotateImmediately == nil || *in.RotateImmediately
	on, err := s.allow(r, "RotateSecret", in.SecretID, keys{
		"secretsmanager:rotationlambdaarn":   optional(in.RotationLambdaARN),
		"secretsmanager:modifyrotationrules": {boolean(in.RotationRules != nil)},
		"secretsmanager:rotateimmediately":   {boolean(immediately)},
	})
	if err != nil {
		return nil, err
	}
	var plan Rotation
	if err := s.view(on.ARN, func(secret *Secret) error {
		plan, err = in.plan(secret)
		return err
	}); err != nil {
		return nil, err
	}
	if err := s.mayInvoke(s.Caller(r), plan.LambdaARN, on.ARN); err != nil {
		return nil, err
	}
	incomplete := false
	err = s.change(on.ARN, func(secret *Secret) error {
		plan, err := in.plan(secret)
		if err != nil {
			return err
		}
		now := s.Now()
		incomplete = false
		switch version := secret.Versions[in.ClientRequestToken]; {
		case plan.Run != nil && plan.Run.VersionID == in.ClientRequestToken: // the same request again
			return nil
		case secret.stuck() != "":
			incomplete = true
			if plan.Run != nil && secret.Rotation.Enabled {
				secret.Rotation.Run.Due = now
			}
			return nil
		case version != nil:
			return tokenInUse(in.ClientRequestToken, secret.ARN)
		}
		if err := secret.checkLabels(pending); err != nil {
			return err
		}
		last := plan.Renewed
		if last.IsZero() {
			last = now
		}
		plan.Next = plan.Rules.next(last, now)
		secret.Rotation = &plan
		secret.begin(Run{VersionID: in.ClientRequestToken, Test: !immediately, Due: now}, now)
		secret.Changed = now
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.start(on.ARN)
	if incomplete {
		// That it is attempted now is taken from the message (a guess).
		return nil, invalidRequest("A previous rotation isn't complete. That rotation will be reattempted.")
	}
	return secretOutput{ARN: on.ARN, Name: on.Name, VersionID: in.ClientRequestToken}, nil
}

// mayInvoke refuses a function that the caller or Secrets Manager may not
// invoke.
func (s *Service) mayInvoke(caller Caller, functionARN, secretARN string) error {
	const action = "lambda:InvokeFunction"
	if caller.decide(s.request(caller, action, target{ARN: functionARN}, nil)) != policy.Allow {
		return refusal("AccessDeniedException", "User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action", caller.ARN, action, functionARN, action)
	}
	if !s.Permitted(functionARN, secretARN) {
		return refusal("AccessDeniedException", "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.")
	}
	return nil
}

// cancelRotateSecret ends rotation. A version that a rotation made stays as it
// is, and is returned.
func (s *Service) cancelRotateSecret(r *http.Request) (any, error) {
	in, err := decode[rotateInput](r)
	if err != nil {
		return nil, err
	}
	on, err := s.allow(r, "CancelRotateSecret", in.SecretID, nil)
	if err != nil {
		return nil, err
	}
	out := secretOutput{ARN: on.ARN, Name: on.Name}
	return &out, s.change(on.ARN, func(secret *Secret) error {
		if secret.Rotation == nil { // the text is a guess
			return invalidRequest("You can't cancel the rotation of a secret that isn't configured for rotation.")
		}
		out.VersionID = secret.stuck()
		secret.Rotation.Enabled, secret.Rotation.Run, secret.Changed = false, nil, s.Now()
		return nil
	})
}

// plannedRun is the rotation that the schedule asks for. A version that an
// earlier one left is gone on with.
func (s *Secret) plannedRun(now time.Time) Run {
	run := Run{VersionID: s.stuck(), Due: now}
	if run.VersionID == "" {
		run.VersionID = uuid.NewString()
	}
	return run
}

// abandoned reports whether somebody took the label of the version of a run
// away, or removed it.
func (s *Secret) abandoned() bool {
	version := s.Versions[s.Rotation.Run.VersionID]
	return version == nil || !slices.Contains(version.Stages, pending) && !slices.Contains(version.Stages, current)
}
