package rotate

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The environment variables of the function. None is a secret.
const (
	GraphURLVariable  = "GRAPH_URL"
	LifetimeVariable  = "LIFETIME_DAYS"
	IntervalVariable  = "INTERVAL_DAYS"
	OverlapVariable   = "OVERLAP_DAYS"
	ClientIDVariable  = "ROTATOR_CLIENT_ID"
	AuthorityVariable = "ROTATOR_AUTHORITY"
	SecretARNVariable = "ROTATOR_SECRET_ARN"
)

// Config says whom the rotator works for, and by which times.
type Config struct {
	// GraphURL is where Microsoft Graph is, https://graph.microsoft.com.
	GraphURL string
	// Lifetime is how long a new credential lasts, Interval how often there is
	// one, and Overlap how long one stays valid after it was superseded, at least.
	Lifetime, Interval, Overlap time.Duration
	// ClientID is the rotator's own application, and Authority its tenant,
	// https://<login host>/<tenant id>.
	ClientID, Authority string
	// SecretARN is the rotator's own secret. Without one it signs in by AWS
	// outbound identity federation.
	SecretARN string
}

const day = 24 * time.Hour

// spare is what a credential's lifetime has beyond two intervals: how late a
// rotation may be before a valid credential is missed.
const spare = 31 * day

// maxDays bounds all numbers of days.
const maxDays = 3650

// ReadConfig reads the environment. The error names everything that is missing
// or wrong.
func ReadConfig(getenv func(name string) string) (Config, error) {
	var problems []error
	days := func(name string) time.Duration {
		n, err := strconv.Atoi(getenv(name))
		if err != nil || n < 1 || n > maxDays {
			problems = append(problems, fmt.Errorf("%s: got %q, want a number of days from 1 to %d", name, getenv(name), maxDays))
			return 0
		}
		return time.Duration(n) * day
	}
	c := Config{
		GraphURL: getenv(GraphURLVariable), Lifetime: days(LifetimeVariable), Interval: days(IntervalVariable), Overlap: days(OverlapVariable),
		ClientID: getenv(ClientIDVariable), Authority: getenv(AuthorityVariable), SecretARN: getenv(SecretARNVariable),
	}
	if len(problems) > 0 {
		return Config{}, errors.Join(append(problems, c.validateNames())...)
	}
	return c, c.validate()
}

// validate returns every problem at once.
func (c Config) validate() error {
	var problems []error
	if c.Lifetime <= 0 || c.Interval <= 0 || c.Overlap <= 0 {
		problems = append(problems, fmt.Errorf("%s, %s and %s: got %s, %s and %s, want days",
			LifetimeVariable, IntervalVariable, OverlapVariable, inDays(c.Lifetime), inDays(c.Interval), inDays(c.Overlap)))
	} else {
		if c.Interval > (c.Lifetime-spare)/2 {
			problems = append(problems, fmt.Errorf("%s: got %s with a lifetime of %s, want at most (lifetime - %s) / 2",
				IntervalVariable, inDays(c.Interval), inDays(c.Lifetime), inDays(spare)))
		}
		// It has lasted an interval when it is superseded.
		if c.Overlap > c.Lifetime-c.Interval {
			problems = append(problems, fmt.Errorf("%s: got %s, want at most lifetime - interval, %s, since no credential lasts longer",
				OverlapVariable, inDays(c.Overlap), inDays(c.Lifetime-c.Interval)))
		}
	}
	return errors.Join(append(problems, c.validateNames())...)
}

func inDays(d time.Duration) string {
	return strconv.FormatFloat(d.Hours()/24, 'f', -1, 64) + " days"
}

var (
	id        = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	secretARN = regexp.MustCompile(`^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$`)
)

// wantID is what ids of Entra look like.
const wantID = "want an id in lower case, such as 11111111-2222-3333-4444-555555555555"

func (c Config) validateNames() error {
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if u, err := url.Parse(c.GraphURL); err != nil || u.Host == "" || c.GraphURL != "https://"+u.Host {
		add("%s: got %q, want https://<host>, with nothing after it", GraphURLVariable, c.GraphURL)
	}
	if !id.MatchString(c.ClientID) {
		add("%s: got %q, %s", ClientIDVariable, c.ClientID, wantID)
	}
	if _, _, ok := splitAuthority(c.Authority); !ok {
		add("%s: got %q, want https://<login host>/<tenant id>, with nothing after it", AuthorityVariable, c.Authority)
	}
	if c.SecretARN != "" && !secretARN.MatchString(c.SecretARN) {
		add("%s: got %q, want the ARN of a secret, or nothing", SecretARNVariable, c.SecretARN)
	}
	return errors.Join(problems...)
}

// splitAuthority takes https://<login host>/<tenant id> apart.
func splitAuthority(authority string) (host, tenantID string, ok bool) {
	u, err := url.Parse(authority)
	if err != nil {
		return "", "", false
	}
	tenantID = strings.TrimPrefix(u.Path, "/")
	return u.Host, tenantID, u.Host != "" && id.MatchString(tenantID) && authority == "https://"+u.Host+"/"+tenantID
}

// The tags of a stored secret, by which the rotator knows whose it is even when
// there is no value yet.
const (
	ClientIDTag  = "entragate:clientId"
	TenantIDTag  = "entragate:tenantId"
	AuthorityTag = "entragate:authority"
	ScopeTag     = "entragate:scope"
)

// client is whose credential a secret holds.
type client struct{ ID, TenantID, Authority, Scope string }

// clientOf reads the tags of a secret. The authority must be the rotator's own:
// an application that it owns is in its tenant, and whoever could name another
// would be sent the new credential.
func (c Config) clientOf(tags map[string]string) (client, error) {
	got := client{ID: tags[ClientIDTag], TenantID: tags[TenantIDTag], Authority: tags[AuthorityTag], Scope: tags[ScopeTag]}
	var problems []error
	add := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if !id.MatchString(got.ID) {
		add("tag %s: got %q, %s", ClientIDTag, got.ID, wantID)
	}
	if _, tenantID, _ := splitAuthority(c.Authority); got.TenantID != tenantID {
		add("tag %s: got %q, want the rotator's tenant, %s", TenantIDTag, got.TenantID, tenantID)
	}
	if got.Authority != c.Authority {
		add("tag %s: got %q, want the rotator's authority, %s", AuthorityTag, got.Authority, c.Authority)
	}
	if got.Scope == "" {
		add("tag %s: got none, want the scope that the client asks for", ScopeTag)
	}
	return got, errors.Join(problems...)
}
