// Authorize compares the warm decision of the Lambda authorizer with the npm
// package aws-jwt-verify: the same tokens, the same keys, in turn, in one run.
// See README.md.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/entragate/entragate/access/policy"
	"github.com/entragate/entragate/functions/authorize"
)

const (
	tenant   = "11111111-1111-4111-8111-111111111111"
	audience = "22222222-2222-4222-8222-222222222222"
	issuer   = "https://login.example.com/" + tenant + "/v2.0"
	route    = "GET /orders"
)

func main() {
	folder := flag.String("folder", ".", "where verify.mjs and its node_modules are")
	rounds := flag.Int("rounds", 15, "how often each side verifies all tokens")
	flag.Parse()
	for _, c := range []struct {
		title string
		count int
	}{
		{"tokens that the authorizer knows, as when callers come back", 200},
		{"tokens that it does not know, since they are more than it remembers", 4000},
	} {
		fmt.Printf("%d %s:\n", c.count, c.title)
		if err := compare(*folder, c.count, *rounds); err != nil {
			log.Fatal(err)
		}
	}
}

// compare has both sides verify all tokens in turn, in rounds that alternate.
func compare(folder string, count, rounds int) error {
	work, err := newWork(count)
	if err != nil {
		return err
	}
	ours, err := work.authorizer()
	if err != nil {
		return err
	}
	theirs, stop, err := work.node(folder)
	if err != nil {
		return err
	}
	defer stop()
	sides := []struct {
		name  string
		round func() (time.Duration, error)
		each  []time.Duration
	}{{name: "functions/authorize", round: ours}, {name: "aws-jwt-verify", round: theirs}}
	for round := range rounds + 2 {
		for i := range sides {
			took, err := sides[i].round()
			if err != nil {
				return fmt.Errorf("%s: %w", sides[i].name, err)
			}
			if round >= 2 { // the first rounds warm both up
				sides[i].each = append(sides[i].each, took/time.Duration(count))
			}
		}
	}
	for i, side := range sides {
		slices.Sort(sides[i].each)
		fmt.Printf("  %-20s median %6.1f µs, fastest %6.1f µs, slowest %6.1f µs\n", side.name,
			micros(middle(side.each)), micros(side.each[0]), micros(side.each[rounds-1]))
	}
	fmt.Printf("  aws-jwt-verify takes %.2f times as long\n", float64(middle(sides[1].each))/float64(middle(sides[0].each)))
	return nil
}

func middle(sorted []time.Duration) time.Duration { return sorted[len(sorted)/2] }

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// work is what both sides do. It is the form of the file that verify.mjs reads.
type work struct {
	Issuer   string             `json:"issuer"`
	Audience string             `json:"audience"`
	Keys     jose.JSONWebKeySet `json:"jwks"`
	Tokens   []string           `json:"tokens"`
}

// newWork signs tokens as Entra does for a user of an API.
func newWork(count int) (work, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return work{}, err
	}
	const id = "a-key-id-as-long-as-entras-x"
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: key},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", id))
	if err != nil {
		return work{}, err
	}
	w := work{
		Issuer: issuer, Audience: audience,
		Keys: jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: id, Use: "sig", Algorithm: "RS256"}}},
	}
	now := time.Now()
	for i := range count {
		token, err := jwt.Signed(signer).Claims(map[string]any{
			"iss": issuer, "aud": audience, "tid": tenant, "ver": "2.0", "azp": "33333333-3333-4333-8333-333333333333", "azpacr": "0",
			"oid": fmt.Sprintf("44444444-4444-4444-8444-%012d", i), "sub": rand.Text() + rand.Text()[:17], "scp": "Orders.Read Orders.Write",
			"name": "Alice Example", "preferred_username": "alice@example.com", "aio": rand.Text() + rand.Text(), "rh": "1." + rand.Text() + ".",
			"uti": rand.Text(),
			"iat": now.Add(-5 * time.Minute).Unix(), "nbf": now.Add(-5 * time.Minute).Unix(), "exp": now.Add(time.Hour).Unix(),
		}).Serialize()
		if err != nil {
			return work{}, err
		}
		w.Tokens = append(w.Tokens, token)
	}
	return w, nil
}

// authorizer returns a round through the handler of the function.
func (w work) authorizer() (round func() (time.Duration, error), err error) {
	a, err := authorize.New(authorize.Config{
		Issuer: issuer, Audience: audience, TenantID: tenant,
		Policy: policy.Policy{Routes: map[string]policy.Route{route: {Scopes: []string{"Orders.Read"}, Roles: []string{"Orders.Export"}}}},
	}, authorize.Options{Client: &http.Client{Transport: published(w.Keys)}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	var requests []events.APIGatewayV2CustomAuthorizerV2Request
	for _, token := range w.Tokens {
		requests = append(requests, events.APIGatewayV2CustomAuthorizerV2Request{
			Version: "2.0", RouteKey: route, Headers: map[string]string{"authorization": "Bearer " + token},
		})
	}
	return func() (time.Duration, error) {
		start := time.Now()
		for _, request := range requests {
			answer, err := a.Handle(context.Background(), request)
			if err != nil || !answer.IsAuthorized {
				return 0, errors.Join(errors.New("got a refusal, want the token allowed"), err)
			}
		}
		return time.Since(start), nil
	}, nil
}

// published serves a key set in place of Entra.
type published jose.JSONWebKeySet

func (p published) RoundTrip(r *http.Request) (*http.Response, error) {
	document := any(jose.JSONWebKeySet(p))
	if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
		document = map[string]string{"issuer": issuer, "jwks_uri": issuer + "/keys"}
	}
	raw, err := json.Marshal(document)
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(raw)), Request: r}, err
}

// node starts verify.mjs, and returns a round of it.
func (w work) node(folder string) (round func() (time.Duration, error), stop func(), err error) {
	raw, err := json.Marshal(w)
	if err != nil {
		return nil, nil, err
	}
	file := filepath.Join(os.TempDir(), "entragate-bench-"+rand.Text()+".json")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return nil, nil, err
	}
	cmd := exec.Command("node", filepath.Join(folder, "verify.mjs"), file) //nolint:gosec // our own script
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	answers := bufio.NewScanner(out)
	round = func() (time.Duration, error) {
		if _, err := io.WriteString(in, "\n"); err != nil {
			return 0, err
		}
		if !answers.Scan() {
			return 0, errors.Join(errors.New("got no answer of node"), answers.Err())
		}
		took, err := strconv.ParseInt(answers.Text(), 10, 64)
		return time.Duration(took), err
	}
	stop = func() {
		_ = in.Close() // it ends with its input
		_ = cmd.Wait()
		_ = os.Remove(file)
	}
	return round, stop, nil
}
