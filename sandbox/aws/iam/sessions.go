package iam

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"time"
)

// Session is a role that was assumed, with its credentials.
type Session struct {
	AccessKeyID     string
	SecretAccessKey string
	Token           string
	Expires         time.Time
	// RoleARN is the role, ARN the session, and ID its unique name.
	RoleARN, ARN, ID string
	// Service is who assumed the role, such as "lambda.amazonaws.com", and Name
	// what it called the session.
	Service, Name string
}

// sessions are kept in memory: those who use them do not outlive the sandbox.
type sessions struct {
	mu    sync.Mutex
	byKey map[string]Session
}

// Assume gives credentials of a role to a service that the role trusts. It
// reports whether it does.
func (s *Service) Assume(roleARN, servicePrincipal, sessionName string, lifetime time.Duration) (Session, bool) {
	if !s.TrustedBy(roleARN, servicePrincipal) {
		return Session{}, false
	}
	session := Session{
		AccessKeyID: newID("ASIA")[:20], SecretAccessKey: rand.Text() + rand.Text()[:14], Token: rand.Text() + rand.Text() + rand.Text(),
		Expires: s.Now().Add(lifetime), RoleARN: roleARN, Service: servicePrincipal, Name: sessionName,
	}
	s.state.View(func(all *State) {
		if role := s.role(all, roleARN); role != nil {
			session.ARN = "arn:aws:sts::" + s.Account + ":assumed-role/" + role.Name + "/" + sessionName
			session.ID = role.ID + ":" + sessionName
		}
	})
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	for key, other := range s.sessions.byKey {
		// Kept for a while, so that clients are told what is wrong.
		if s.Now().Sub(other.Expires) > time.Hour {
			delete(s.sessions.byKey, key)
		}
	}
	s.sessions.byKey[session.AccessKeyID] = session
	return session, true
}

// Session returns the session of an access key, which may have expired.
func (s *Service) Session(accessKeyID string) (Session, bool) {
	if !strings.HasPrefix(accessKeyID, "ASIA") {
		return Session{}, false
	}
	s.sessions.mu.Lock()
	defer s.sessions.mu.Unlock()
	session, found := s.sessions.byKey[accessKeyID]
	return session, found
}

type sessionKey struct{}

// WithSession returns a context of a request that was signed by a session.
func WithSession(ctx context.Context, session Session) context.Context {
	return context.WithValue(ctx, sessionKey{}, session)
}

// SessionOf returns the session that a request was signed by; requests by the
// sandbox's access key have none.
func SessionOf(ctx context.Context) (Session, bool) {
	session, ok := ctx.Value(sessionKey{}).(Session)
	return session, ok
}
