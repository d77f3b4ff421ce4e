package accesslog

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Line is one line of the access log. What the gateway did not set is empty.
type Line struct {
	// RequestID is what the caller got as apigw-requestid.
	RequestID string    `json:"requestId"`
	Time      time.Time `json:"time"` // to the millisecond
	IP        string    `json:"ip"`
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	// RouteKey is the route that was found, such as "GET /orders/{id}".
	RouteKey string `json:"routeKey,omitempty"`
	Status   int    `json:"status"`

	// AuthorizerError is what an authorizer says of a token that it refused.
	AuthorizerError string `json:"authorizerError,omitempty"`
	// ErrorMessage and ErrorType are of an answer that the gateway itself made.
	ErrorMessage     string `json:"errorMessage,omitempty"`
	ErrorType        string `json:"errorType,omitempty"`
	IntegrationError string `json:"integrationError,omitempty"`

	// Caller is who called; empty unless the call was let through.
	Caller Caller `json:"caller,omitzero"`

	// IntegrationStatus is what the backend answered; 0 if it was not asked or
	// did not answer.
	IntegrationStatus int `json:"integrationStatus,omitempty"`
	// IntegrationLatency is what of ResponseLatency, both in milliseconds, was
	// spent on the backend.
	IntegrationLatency *int `json:"integrationLatency,omitempty"`
	ResponseLatency    *int `json:"responseLatency,omitempty"`
	ResponseLength     int  `json:"responseLength"` // in bytes
}

// Caller is who a good token is for, by the claims of the same names.
type Caller struct {
	ClientID string   `json:"clientId,omitempty"` // azp, or appid
	UserID   string   `json:"userId,omitempty"`   // oid; of an app-only token the client's principal
	Subject  string   `json:"subject,omitempty"`  // sub
	TenantID string   `json:"tenantId,omitempty"` // tid
	Scopes   []string `json:"scopes,omitempty"`   // scp
	Roles    []string `json:"roles,omitempty"`
	// TokenType is "app" for an app-only token.
	TokenType string `json:"tokenType,omitempty"` // idtyp
	TokenID   string `json:"tokenId,omitempty"`   // uti
}

// Known reports whether the line says who called.
func (c Caller) Known() bool { return c.ClientID != "" || c.UserID != "" || c.Subject != "" }

// maxMillis is the end of the year 9999: JSON has no later times.
const maxMillis = 253_402_300_799_999

// errNotALine is of a message that the gateway did not write in [Format].
var errNotALine = errors.New("not a line of the access log")

// Parse reads a line in [Format].
func Parse(message string) (Line, error) {
	var raw struct {
		Path               string `json:"path"`
		AuthorizerError    string `json:"authorizerError"`
		ErrorMessage       string `json:"errorMessage"`
		IntegrationError   string `json:"integrationError"`
		RequestID          string `json:"requestId"`
		TimeEpoch          string `json:"timeEpoch"`
		IP                 string `json:"ip"`
		Method             string `json:"method"`
		RouteKey           string `json:"routeKey"`
		Status             string `json:"status"`
		ErrorType          string `json:"errorType"`
		ClientID           string `json:"clientId"`
		AppID              string `json:"appId"`
		UserID             string `json:"userId"`
		Subject            string `json:"subject"`
		TenantID           string `json:"tenantId"`
		Scopes             string `json:"scopes"`
		Roles              string `json:"roles"`
		TokenType          string `json:"tokenType"`
		TokenID            string `json:"tokenId"`
		RoleClientID       string `json:"roleClientId"`
		RoleUserID         string `json:"roleUserId"`
		RoleSubject        string `json:"roleSubject"`
		RoleTenantID       string `json:"roleTenantId"`
		RoleScopes         string `json:"roleScopes"`
		RoleRoles          string `json:"roleRoles"`
		RoleTokenType      string `json:"roleTokenType"`
		RoleTokenID        string `json:"roleTokenId"`
		IntegrationStatus  string `json:"integrationStatus"`
		IntegrationLatency string `json:"integrationLatency"`
		ResponseLatency    string `json:"responseLatency"`
		ResponseLength     string `json:"responseLength"`
	}
	if err := json.Unmarshal([]byte(message), &raw); err != nil {
		return Line{}, fmt.Errorf("%w: %w", errNotALine, err)
	}
	at, timeErr := strconv.ParseInt(raw.TimeEpoch, 10, 64)
	status, statusErr := strconv.Atoi(raw.Status)
	if set(raw.RequestID) == "" || timeErr != nil || at < 0 || at > maxMillis || statusErr != nil {
		return Line{}, fmt.Errorf("%w: want requestId, timeEpoch and status", errNotALine)
	}
	return Line{
		RequestID: raw.RequestID, Time: time.UnixMilli(at).UTC(), IP: set(raw.IP), Method: set(raw.Method), Path: set(raw.Path),
		RouteKey: set(raw.RouteKey), Status: status,
		AuthorizerError: set(raw.AuthorizerError), ErrorMessage: set(raw.ErrorMessage), ErrorType: set(raw.ErrorType),
		IntegrationError: set(raw.IntegrationError),
		Caller: Caller{
			ClientID:  first(raw.ClientID, raw.AppID, raw.RoleClientID),
			UserID:    first(raw.UserID, raw.RoleUserID),
			Subject:   first(raw.Subject, raw.RoleSubject),
			TenantID:  first(raw.TenantID, raw.RoleTenantID),
			Scopes:    list(first(raw.Scopes, raw.RoleScopes)),
			Roles:     list(first(raw.Roles, raw.RoleRoles)),
			TokenType: first(raw.TokenType, raw.RoleTokenType),
			TokenID:   first(raw.TokenID, raw.RoleTokenID),
		},
		IntegrationStatus: number(raw.IntegrationStatus), IntegrationLatency: optional(raw.IntegrationLatency),
		ResponseLatency: optional(raw.ResponseLatency), ResponseLength: number(raw.ResponseLength),
	}, nil
}

func set(value string) string {
	if value == unset {
		return ""
	}
	return value
}

func first(values ...string) string {
	for i, v := range values {
		values[i] = set(v)
	}
	return cmp.Or(values...)
}

// list reads values that are apart by spaces; the gateway writes lists as [a b].
func list(value string) []string {
	if value = strings.Trim(value, "[]"); value == "" {
		return nil // or a caller that is not known would not be zero
	}
	return strings.Fields(value)
}

func number(value string) int {
	n, _ := strconv.Atoi(value) // a dash is 0
	return n
}

func optional(value string) *int {
	n, err := strconv.Atoi(value)
	if err != nil {
		return nil
	}
	return &n
}
