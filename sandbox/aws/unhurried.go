package aws

import (
	"net/http"
	"time"
)

// unhurried writes large answers after as long as a fast network would take. The
// AWS SDK for Go closes the body of a request once an answer begins; where
// net/http has not yet looked for the body's end, it then breaks the connection
// off, in the middle of an answer that does not fit into its buffer. Over a
// network it always has.
type unhurried struct {
	http.ResponseWriter
	begun bool
}

const (
	largeAnswer = 3 << 10 // bytes; net/http reads 4 KB at once, headers included
	shortWhile  = 5 * time.Millisecond
)

// Write implements [http.ResponseWriter].
func (u *unhurried) Write(p []byte) (int, error) {
	if !u.begun && len(p) > largeAnswer {
		<-time.After(shortWhile)
	}
	u.begun = true
	return u.ResponseWriter.Write(p)
}

// Unwrap is for [http.ResponseController].
func (u *unhurried) Unwrap() http.ResponseWriter { return u.ResponseWriter }
