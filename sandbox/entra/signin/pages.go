package signin

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/entragate/entragate/sandbox/entra/directory"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.ParseFS(pageFiles, "pages/*.html"))

// page is what the pages show.
type page struct {
	Title   string
	Text    string
	Problem string // shown as an alert
	Trace   string
	// Action is where the form goes within this service, External where it
	// goes outside.
	Action, External string
	Request          string // the one-time id of the flow
	Users            []person
	App, User        string
	Tenant           string
	Permissions      []permission
	Fields           []field
	Nonce            string // of the Content-Security-Policy
}

// person is a choice on the sign-in page.
type person struct {
	ID, Name, UPN string
	Hinted        bool
}

type field struct{ Name, Value string }

// render answers with a page that no other site can frame and no cache keeps.
// form-action is left open, since browsers apply it to the redirect that ends a
// sign-in.
func (s *Server) render(w http.ResponseWriter, status int, name string, p page) {
	p.Nonce = secret()
	var body bytes.Buffer
	if err := pages.ExecuteTemplate(&body, name+".html", p); err != nil {
		http.Error(w, "rendering page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+p.Nonce+"'; script-src 'nonce-"+p.Nonce+"'; "+
		"frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store, no-cache")
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the browser may have gone
}

// errorPage shows a refusal to the person.
func (s *Server) errorPage(w http.ResponseWriter, r *http.Request, e *Error) {
	t := s.traceOf(r)
	problem := e.Message
	if e.Code != 0 {
		problem = e.Error()
	}
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	s.render(w, status, "error", page{
		Title: "Sorry, but we're having trouble signing you in.", Problem: problem,
		Trace: "Trace ID: " + t.id + ", correlation ID: " + t.correlation + ", timestamp: " + t.at.Format(timeLayout),
	})
}

// choosePage asks the person who they are.
func (s *Server) choosePage(w http.ResponseWriter, f flow, problem string) {
	p := page{Title: "Pick an account", Problem: problem, Action: "/" + f.at.name + "/login", Request: s.wait(f)}
	for _, t := range s.tenants {
		if f.at.tenant != nil && f.at.tenant.id != t.id {
			continue
		}
		t.dir.View(func(st *directory.State) {
			if a := st.ApplicationByAppID(f.appID); a != nil {
				p.App = a.DisplayName
			}
			for _, u := range st.Users {
				hinted := f.loginHint != "" && strings.EqualFold(u.UserPrincipalName, f.loginHint)
				p.Users = append(p.Users, person{u.ID, u.DisplayName, u.UserPrincipalName, hinted})
			}
		})
	}
	slices.SortFunc(p.Users, func(a, b person) int {
		if a.Hinted != b.Hinted {
			if a.Hinted {
				return -1
			}
			return 1
		}
		return strings.Compare(a.UPN, b.UPN)
	})
	status := http.StatusOK
	if problem != "" {
		status = http.StatusBadRequest
	}
	s.render(w, status, "choose", p)
}

// consentPage asks for consent, or says that only an administrator can give it.
func (s *Server) consentPage(w http.ResponseWriter, f flow, name string, p page) {
	p.Action, p.Request = "/"+f.at.name+"/consent", s.wait(f)
	s.render(w, http.StatusOK, name, p)
}
