package review

import "github.com/entragate/entragate/access"

// SafeOrder is the order of steps in which scopes are renamed or split without
// anybody losing access on the way.
type SafeOrder struct {
	// Renames are the scopes that go, and what takes their place.
	Renames []Rename `json:"renames"`
	// Steps are all of them, done or not.
	Steps []Step `json:"steps"`
	// Next is the index of the step to take now.
	Next int `json:"next"`
	// Model is the configuration that the next deployment brings: that of the
	// next step, or where that is a wait, of the one after it.
	Model access.Model `json:"model"`
	// Problem says why the order cannot be kept, if it cannot; there are no
	// steps then.
	Problem string `json:"problem,omitempty"`
	// Words say where the stack stands.
	Words string `json:"words"`
}

// Rename is a scope that goes, and those that take its place.
type Rename struct {
	Old string   `json:"old"`
	New []string `json:"new"`
	// Routes are those that the old scope opens and that stay.
	Routes []string `json:"routes"`
	// Clients are those that hold the old scope.
	Clients []string `json:"clients,omitempty"`
}

// Step is one step of a [SafeOrder].
type Step struct {
	Name StepName `json:"name"`
	// State is [StepDone], [StepNext] or [StepLater].
	State string `json:"state"`
	// Deploy reports whether the step is a deployment; else it is a wait.
	Deploy bool `json:"deploy"`
	// Words say what to do.
	Words string `json:"words"`
	// Tokens says what it means for tokens that are already issued.
	Tokens string `json:"tokens,omitempty"`
}

// StepName names a step.
type StepName string

// The steps, in order.
const (
	StepAdd          StepName = "add"           // declare the new scopes
	StepGrant        StepName = "grant"         // grant them beside the old one
	StepAcceptEither StepName = "accept-either" // routes take either
	StepWaitClients  StepName = "wait-clients"  // until clients ask for the new ones
	StepRetire       StepName = "retire"        // retire the old one
	StepWaitTokens   StepName = "wait-tokens"   // until no token carries it
	StepRemove       StepName = "remove"        // remove it
)

// The values of [Step.State].
const (
	StepDone  = "done"
	StepNext  = "next"
	StepLater = "later"
)
