// Package review compares what is deployed with what would be: who gains access
// and who loses it, cell by cell of the access matrix, which setting is the
// cause, and what that means for tokens that are already issued. It judges each
// change, and for the rename or split of a scope it knows the order in which
// nobody loses access on the way. It knows no cloud and no Pulumi.
package review
