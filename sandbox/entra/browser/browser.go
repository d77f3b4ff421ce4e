// Package browser signs people in on the sandbox's pages without a screen: it
// reads the HTML that a person would see, presses the buttons that they would
// press and knows nothing else of the service.
package browser

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// maxSteps bounds how many pages and redirects a sign-in may take.
const maxSteps = 20

// PageError is a page on which the person cannot go on, such as one that says
// that they are not assigned to the application.
type PageError struct {
	// Title is the heading.
	Title string
	// Text is the alert, with the AADSTS code where there is one.
	Text string
}

// Error implements error.
func (e *PageError) Error() string { return fmt.Sprintf("sign-in page %q: %s", e.Title, e.Text) }

// SignIn opens an authorize URL as a person with this user principal name, who
// accepts what applications ask consent for, and returns the URL on which the
// browser arrives at the application. The answer's parameters are in its query
// or fragment; those of response_mode=form_post are put in the query. They may
// be a refusal: look at error before code. A refusal that the service shows to
// the person only is a [*PageError].
//
// A nil client means http.DefaultClient. Cookies are kept in the client's jar;
// without one each call is a new browser.
func SignIn(ctx context.Context, client *http.Client, authorizeURL, userPrincipalName string) (*url.URL, error) {
	start, err := url.Parse(authorizeURL)
	if err != nil {
		return nil, fmt.Errorf("signing in: authorize URL: %w", err)
	}
	v, err := newVisit(client, userPrincipalName)
	if err != nil {
		return nil, fmt.Errorf("signing in: %w", err)
	}
	v.destination = start.Query().Get("redirect_uri")
	arrived, _, err := v.walk(ctx, request{address: start})
	if err != nil {
		return nil, fmt.Errorf("signing in as %s: %w", userPrincipalName, err)
	}
	if arrived == nil {
		return nil, fmt.Errorf("signing in as %s: the pages ended before the application", userPrincipalName)
	}
	return arrived, nil
}

// Device types a user code on the verification page of the device code flow
// and signs in as a person with this user principal name. See [SignIn] for the
// client and for pages that refuse.
func Device(ctx context.Context, client *http.Client, verificationURI, userCode, userPrincipalName string) error {
	start, err := url.Parse(verificationURI)
	if err != nil {
		return fmt.Errorf("device sign-in: verification URI: %w", err)
	}
	v, err := newVisit(client, userPrincipalName)
	if err != nil {
		return fmt.Errorf("device sign-in: %w", err)
	}
	v.userCode = userCode
	_, last, err := v.walk(ctx, request{address: start})
	if err != nil {
		return fmt.Errorf("device sign-in as %s: %w", userPrincipalName, err)
	}
	if !v.pressedAccount {
		return fmt.Errorf("device sign-in as %s: page %q asked for no account", userPrincipalName, last.title)
	}
	return nil
}

// visit is one person's way through the pages.
type visit struct {
	client      *http.Client
	person      string
	destination string // where the application is, or "" for a device
	userCode    string
	// pressedAccount tells that the person has said who they are.
	pressedAccount bool
}

func newVisit(client *http.Client, person string) (*visit, error) {
	if client == nil {
		client = http.DefaultClient
	}
	own := *client
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if own.Jar == nil {
		jar, err := cookiejar.New(nil)
		if err != nil {
			return nil, err
		}
		own.Jar = jar
	}
	return &visit{client: &own, person: person}, nil
}

// request is a step: a form that was sent, or a link that was followed.
type request struct {
	address *url.URL
	form    url.Values // nil for a link
}

// walk goes from page to page. It returns where it arrived at the application,
// or nil and the last page, on which there is nothing more to do.
func (v *visit) walk(ctx context.Context, next request) (*url.URL, document, error) {
	for range maxSteps {
		res, err := v.send(ctx, next)
		if err != nil {
			return nil, document{}, err
		}
		if location := res.Header.Get("Location"); location != "" && res.StatusCode >= 300 && res.StatusCode < 400 {
			res.Body.Close()
			target, err := next.address.Parse(location)
			if err != nil {
				return nil, document{}, fmt.Errorf("redirect to %q: %w", location, err)
			}
			if v.atApplication(target) {
				return target, document{}, nil
			}
			next = request{address: target}
			continue
		}
		doc, err := readDocument(res)
		if err != nil {
			return nil, document{}, err
		}
		step, arrived, err := v.act(doc, next.address)
		if err != nil || arrived != nil || step == nil {
			return arrived, doc, err
		}
		next = *step
	}
	return nil, document{}, fmt.Errorf("more than %d pages and redirects", maxSteps)
}

func (v *visit) send(ctx context.Context, step request) (*http.Response, error) {
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if step.form != nil {
		method, body = http.MethodPost, strings.NewReader(step.form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, step.address.String(), body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/html")
	if step.form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return v.client.Do(req)
}

// atApplication tells whether an address is the redirect URI, whatever its
// query and fragment.
func (v *visit) atApplication(target *url.URL) bool {
	want, err := url.Parse(v.destination)
	return err == nil && v.destination != "" && target.Scheme == want.Scheme && target.Host == want.Host &&
		target.Path == want.Path && target.Opaque == want.Opaque
}

// act does what a person would do on a page. It returns the form they send, or
// where a form goes to the application, or neither at the end.
func (v *visit) act(doc document, at *url.URL) (*request, *url.URL, error) {
	if doc.form == nil {
		if doc.alert != "" {
			return nil, nil, &PageError{doc.title, doc.alert}
		}
		return nil, nil, nil
	}
	target, err := at.Parse(doc.form.action)
	if err != nil {
		return nil, nil, fmt.Errorf("page %q: form action: %w", doc.title, err)
	}
	if v.atApplication(target) {
		query := target.Query()
		maps.Copy(query, doc.form.values)
		target.RawQuery = query.Encode()
		return nil, target, nil
	}
	values, err := v.fill(doc)
	if err != nil {
		return nil, nil, err
	}
	return &request{target, values}, nil, nil
}

// fill fills a form in and presses one of its buttons.
func (v *visit) fill(doc document) (url.Values, error) {
	values := doc.form.values
	if doc.form.text != "" {
		if v.userCode == "" || doc.alert != "" {
			return nil, &PageError{doc.title, doc.alert}
		}
		values.Set(doc.form.text, v.userCode)
		return values, nil
	}
	for _, b := range doc.form.buttons {
		isAccount := false
		for word := range strings.FieldsSeq(b.text) {
			isAccount = isAccount || strings.EqualFold(word, v.person)
		}
		if isAccount && !v.pressedAccount {
			v.pressedAccount = true
			values.Set(b.name, b.value)
			return values, nil
		}
		if b.text == "Accept" {
			values.Set(b.name, b.value)
			return values, nil
		}
	}
	if doc.alert != "" {
		return nil, &PageError{doc.title, doc.alert}
	}
	return nil, fmt.Errorf("page %q: got no button for %s", doc.title, v.person)
}

var errNotHTML = errors.New("the answer is no page")
