// Package rotate is the rotation function of stored credentials. Secrets Manager
// calls it for the four steps of a rotation, each of which makes a little of the
// way from a new client secret of an Entra application to the current version of
// the secret in Secrets Manager:
//
//	createSecret  adds a credential to the application, and stores it as AWSPENDING
//	setSecret     waits until Microsoft Graph shows it
//	testSecret    signs in with it
//	finishSecret  makes it AWSCURRENT, and removes what was superseded long ago
//
// Any step may be cut off anywhere and be repeated. What is left half done, and
// what the repetition makes of it, is written above each step.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
//
// Two credentials overlap: the one that was current stays valid as AWSPREVIOUS
// until the rotation after the next, and longer if that comes soon. "Now" is
// what Microsoft Graph says it is, since credentials are judged by that clock.
//
// The rotator signs in to Microsoft Graph by AWS outbound identity federation,
// or with a secret of its own. That is rotated like the others, signing in with
// its own AWSCURRENT, so there must be one before rotation is enabled: who
// deploys adds a credential named "entragate rotation <version id>" to the
// rotator's application, and puts it with that version id as ClientRequestToken
// and the members of [Value]. Named so, it is removed in its turn.
package rotate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// The steps of a rotation, in their order.
const (
	StepCreate = "createSecret"
	StepSet    = "setSecret"
	StepTest   = "testSecret"
	StepFinish = "finishSecret"
)

// Event is what the function is called with: by Secrets Manager a step, or by a
// schedule the secrets to check.
type Event struct {
	Step     string `json:"Step"`
	SecretID string `json:"SecretId"`
	// Token is the id of the version that is being made.
	Token string `json:"ClientRequestToken"`
	// Check are the ARNs of secrets whose health is looked at.
	Check []string `json:"check"`
}

// Rotator answers events. It keeps nothing from one to the next; [New] makes it.
type Rotator struct {
	config Config
	clouds Clouds
	wait   Waiter
	now    func() time.Time
	log    *slog.Logger
}

// Options are what the rotator works with beside the clouds. The zero value is
// what runs in Lambda.
type Options struct {
	// Wait waits between tries; nil means real time.
	Wait Waiter
	// Now is the clock of deadlines and of nothing else; nil means [time.Now].
	Now func() time.Time
	// Log gets a line for each step and each thing that is done; nil means
	// [slog.Default].
	Log *slog.Logger
}

// New makes a rotator, or says everything that is wrong with the configuration.
// It calls nobody.
func New(config Config, clouds Clouds, opts Options) (*Rotator, error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	if opts.Wait == nil {
		opts.Wait = waitRealTime
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	return &Rotator{config: config, clouds: clouds, wait: opts.Wait, now: opts.Now, log: opts.Log}, nil
}

// Handle answers one event. An error says that the step failed, and Secrets
// Manager repeats the rotation later. No secret is in it.
func (r *Rotator) Handle(ctx context.Context, event Event) error {
	i := &invocation{Rotator: r, event: event, log: r.log}
	err := i.secrets.clean(i.handle(ctx))
	if err != nil {
		i.log.ErrorContext(ctx, "failed", slog.String("error", err.Error()))
	}
	return err
}

// invocation is the work on one event. All that is known of secrets lives and
// ends with it.
type invocation struct {
	*Rotator
	event   Event
	log     *slog.Logger
	secret  Secret
	client  client
	apps    Applications // of Microsoft Graph; nil until needed
	secrets known
}

func (i *invocation) handle(ctx context.Context) error {
	switch {
	case len(i.event.Check) > 0 && i.event.Step != "":
		return errors.New("event: got a step and a check, want one of them")
	case len(i.event.Check) > 0:
		return i.check(ctx, i.event.Check)
	}
	i.log = i.log.With(slog.String("step", i.event.Step), slog.String("secret", i.event.SecretID), slog.String("version", i.event.Token))
	step := map[string]func(context.Context) error{
		StepCreate: i.create, StepSet: i.set, StepTest: i.test, StepFinish: i.finish,
	}[i.event.Step]
	if step == nil {
		return fmt.Errorf("event: step: got %q, want %s, %s, %s or %s", i.event.Step, StepCreate, StepSet, StepTest, StepFinish)
	}
	if err := i.open(ctx, i.event.SecretID); err != nil {
		return err
	}
	if done, err := i.admit(); done || err != nil {
		return err
	}
	if err := step(ctx); err != nil {
		return fmt.Errorf("%s of %s: %w", i.event.Step, i.secret.ARN, err)
	}
	i.log.InfoContext(ctx, "step done")
	return nil
}

// open reads what is to be known of the secret.
func (i *invocation) open(ctx context.Context, arn string) error {
	var err error
	if i.secret, err = i.describe(ctx, arn); err != nil {
		return fmt.Errorf("describe %s: %w", arn, err)
	}
	if i.client, err = i.config.clientOf(i.secret.Tags); err != nil {
		return fmt.Errorf("%s: %w", arn, err)
	}
	i.log = i.log.With(slog.String("clientId", i.client.ID))
	return nil
}

// admit applies the rules by which Secrets Manager's own functions begin, and
// reports whether the step is done already. They take any step of a version
// that is current for done; here finishSecret may still have to remove what the
// version superseded.
// https://github.com/aws-samples/aws-secrets-manager-rotation-lambdas/blob/master/SecretsManagerRotationTemplate/lambda_function.py
//
// A version may be pending and current at once: the first that gets a value
// becomes current by that, tested or not.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html
func (i *invocation) admit() (done bool, err error) {
	_, exists := i.secret.Versions[i.event.Token]
	pending := i.secret.labelled(Pending) == i.event.Token
	current := i.secret.labelled(Current) == i.event.Token
	switch {
	case !i.secret.RotationEnabled:
		return false, fmt.Errorf("%s: rotation is not enabled, want it enabled", i.secret.ARN)
	case !exists:
		return false, fmt.Errorf("%s: ClientRequestToken: got %q, want the id of a version", i.secret.ARN, i.event.Token)
	case pending:
		return false, nil
	case !current:
		return false, fmt.Errorf("%s: version %s is neither %s nor %s, want it %s", i.secret.ARN, i.event.Token, Pending, Current, Pending)
	default:
		return i.event.Step != StepFinish, nil
	}
}
