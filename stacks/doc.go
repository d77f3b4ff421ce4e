// Package stacks turns the configuration of one stack into components. The
// configuration is strict: an unknown setting, a wrong type and everything that
// Entra or AWS would refuse is an error before anything is registered, with its
// path, the value found and what is wanted.
package stacks
