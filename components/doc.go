// Package components puts Microsoft Entra ID in front of AWS HTTP APIs.
//
// [ProtectedApi] is the one most programs need. From one declaration of
// scopes, roles, clients and routes it makes
//
//   - an [ApiApplication]: the API's registration in Entra, with its scopes,
//     its app roles, its service principal and who is assigned to it;
//   - a [ClientApplication] for each client, with its redirect URIs and grants;
//   - a [Gateway]: the HTTP API, its JWT authorizer, routes, stage, throttles
//     and access log.
//
// Everything that decides who may call what is a plain value, not an output:
// so it is validated before anything is registered, every problem at once, and
// the access matrix is known at preview. The components read no configuration
// and no environment.
//
// Type tokens, which are in every URN and so never change:
//
//	entragate:index:ApiApplication
//	entragate:index:ClientApplication
//	entragate:index:Gateway
//	entragate:index:ProtectedApi
package components
