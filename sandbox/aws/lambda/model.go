package lambda

import "time"

// State is what is kept durable, beside the code.
type State struct {
	Functions map[string]*Function `json:"functions"` // keyed by name
}

// Function is a function with all that belongs to it. Its members are replaced,
// never changed, so that readers may keep them.
type Function struct {
	Name      string              `json:"name"`
	Latest    *Version            `json:"latest"`
	Versions  map[string]*Version `json:"versions"` // published ones, by number
	Published int                 `json:"published"`
	// PublishedRevision is that of Latest when it was published last.
	PublishedRevision string            `json:"publishedRevision,omitempty"`
	Aliases           map[string]*Alias `json:"aliases"`
	// Policies are by qualifier; that of "" is the function's own.
	Policies map[string]*Policy `json:"policies"`
	Reserved *int               `json:"reserved,omitempty"` // concurrency
	Tags     map[string]string  `json:"tags"`
}

// Version is the code and the settings of a function.
type Version struct {
	Settings
	Version      string    `json:"version"`
	Folder       string    `json:"folder"` // of the code, below that of the service
	CodeSHA256   string    `json:"codeSha256"`
	CodeSize     int       `json:"codeSize"`
	Architecture string    `json:"architecture"`
	Modified     time.Time `json:"modified"`
	RevisionID   string    `json:"revisionId"`
}

// Settings are what UpdateFunctionConfiguration sets.
type Settings struct {
	Description string            `json:"description"`
	Role        string            `json:"role"`
	Runtime     string            `json:"runtime"`
	Handler     string            `json:"handler"`
	MemoryMB    int               `json:"memoryMB"`
	Timeout     int               `json:"timeout"` // seconds
	Variables   map[string]string `json:"variables,omitempty"`
	TracingMode string            `json:"tracingMode"`
	StorageMB   int               `json:"storageMB"`
	Logging     Logging           `json:"logging"`
}

// Logging is where and how logs are written.
type Logging struct {
	LogFormat           string
	ApplicationLogLevel string `json:",omitempty"`
	SystemLogLevel      string `json:",omitempty"`
	LogGroup            string
}

// Alias is a name of a version.
type Alias struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	Description string `json:"description"`
	RevisionID  string `json:"revisionId"`
}

// Policy says who may invoke a function, a version or an alias.
type Policy struct {
	Statements []*Statement `json:"statements"`
	RevisionID string       `json:"revisionId"`
}

// configuration is a version as the API gives it.
type configuration struct {
	FunctionName         string
	FunctionArn          string
	Runtime              string
	Role                 string
	Handler              string
	CodeSize             int
	Description          string
	Timeout              int
	MemorySize           int
	LastModified         string
	CodeSha256           string
	Version              string
	Environment          *environmentAnswer `json:",omitempty"`
	TracingConfig        tracingConfig
	RevisionID           string `json:"RevisionId"`
	State                string
	LastUpdateStatus     string
	PackageType          string
	Architectures        []string
	EphemeralStorage     storageConfig
	SnapStart            snapStartAnswer
	RuntimeVersionConfig runtimeVersion
	LoggingConfig        Logging
}

type environmentAnswer struct{ Variables map[string]string }

type tracingConfig struct{ Mode string }

type storageConfig struct{ Size int }

type snapStartAnswer struct{ ApplyOn, OptimizationStatus string }

type runtimeVersion struct {
	RuntimeVersionArn string
}

// dateFormat is how Lambda writes times.
const dateFormat = "2006-01-02T15:04:05.000-0700"

// answer is a version as the API gives it; the ARN has the qualifier by which it
// was asked for.
func (s *Service) answer(fn *Function, v *Version, qualifier string) configuration {
	c := configuration{
		FunctionName: fn.Name, FunctionArn: s.qualifiedARN(fn.Name, qualifier), Runtime: v.Runtime, Role: v.Role, Handler: v.Handler,
		CodeSize: v.CodeSize, Description: v.Description, Timeout: v.Timeout, MemorySize: v.MemoryMB,
		LastModified: v.Modified.UTC().Format(dateFormat), CodeSha256: v.CodeSHA256, Version: v.Version,
		TracingConfig: tracingConfig{v.TracingMode}, RevisionID: v.RevisionID, State: "Active", LastUpdateStatus: "Successful",
		PackageType: "Zip", Architectures: []string{v.Architecture}, EphemeralStorage: storageConfig{v.StorageMB},
		SnapStart: snapStartAnswer{"None", "Off"}, LoggingConfig: v.Logging,
		// The real ones end with a hash of the runtime's build.
		RuntimeVersionConfig: runtimeVersion{"arn:aws:lambda:" + s.Region + "::runtime:sandbox"},
	}
	if len(v.Variables) > 0 {
		c.Environment = &environmentAnswer{v.Variables}
	}
	return c
}
