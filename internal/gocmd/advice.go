package gocmd

import "strings"

// A remedy says what to do about errors of the go command that have one of the phrases in their output.
type remedy struct {
	advice  string
	phrases []string
}

var remedies = []remedy{
	{
		"the disk is full: free some space, or point GOCACHE, GOMODCACHE and GOTMPDIR to another disk",
		[]string{"no space left on device", "disk quota exceeded"},
	},
	{
		"a compiler was killed, most likely for want of memory: about 3 GB are needed, less with GOMAXPROCS=1",
		[]string{"signal: killed", "cannot allocate memory"},
	},
	{
		"a module does not have the content that is pinned: do not go on with it; if the module cache is damaged, " +
			"`go clean -modcache` helps, otherwise look at GOPROXY",
		[]string{"checksum mismatch", "SECURITY ERROR"},
	},
	{
		"Go modules could not be downloaded: check the network, the proxy settings and GOPROXY, and run it again",
		[]string{
			"dial tcp", "no such host", "i/o timeout", "connection refused", "connection reset", "TLS handshake",
			"proxyconnect", "certificate", "unexpected EOF", "Bad Gateway", "Service Unavailable", "module lookup disabled",
		},
	},
	{
		"this Go is too old: install a newer one from https://go.dev/dl, or allow it to fetch one with GOTOOLCHAIN=auto",
		[]string{"GOTOOLCHAIN=local", "requires go >="},
	},
}

// advice returns what to do about a failed go command, or "" where its output is all there is to say.
func advice(output string) string {
	for _, r := range remedies {
		for _, phrase := range r.phrases {
			if strings.Contains(output, phrase) {
				return r.advice
			}
		}
	}
	return ""
}
