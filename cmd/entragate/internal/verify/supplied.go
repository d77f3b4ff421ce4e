package verify

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxTokenBytes is above any token.
const maxTokenBytes = 64 << 10

// ReadTokens reads the tokens of values such as "portal:user=token.txt", by
// caller. "-" is stdin, once. Errors hold nothing of a token.
func ReadTokens(values []string, stdin io.Reader) (map[string]string, error) {
	tokens := map[string]string{}
	usedStdin := false
	for _, v := range values {
		caller, file, ok := strings.Cut(v, "=")
		switch {
		case !ok || caller == "" || file == "":
			// It may be a token by mistake, so it is not repeated.
			return nil, errors.New(`--token: got a value of another form, want CALLER=FILE, such as "portal:user=token.txt"`)
		case tokens[caller] != "":
			return nil, fmt.Errorf("--token: got two for %s, want one", caller)
		case file == "-" && usedStdin:
			return nil, errors.New(`--token: got "-" twice, want stdin for one caller`)
		}
		usedStdin = usedStdin || file == "-"
		token, err := readToken(file, stdin)
		if err != nil {
			return nil, fmt.Errorf("--token: %s: %w", caller, err)
		}
		tokens[caller] = token
	}
	return tokens, nil
}

func readToken(name string, stdin io.Reader) (string, error) {
	from := stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer file.Close()
		from = file
	}
	raw, err := io.ReadAll(io.LimitReader(from, maxTokenBytes+1))
	if err != nil {
		return "", err
	}
	if len(raw) > maxTokenBytes {
		return "", fmt.Errorf("got more than %d bytes, want a token", maxTokenBytes)
	}
	token := strings.TrimSpace(string(raw))
	if _, err := readClaims(token); err != nil {
		return "", err
	}
	return token, nil
}
