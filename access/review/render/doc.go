// Package render writes a review for people and programs: a table for a
// terminal, Markdown for a pull request, JSON, and a page of HTML that needs
// nothing but itself. All four begin with the verdict in words: who gains, who
// loses, what opens to everyone and what becomes unreachable, each with its cause
// and with what it means for tokens that are already issued.
package render
