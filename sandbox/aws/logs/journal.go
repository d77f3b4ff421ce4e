package logs

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/entragate/entragate/sandbox/store"
)

// maxEvents and maxBytes are how many events of a group are kept, the latest.
// AWS keeps all within the retention.
const (
	maxEvents = 10_000
	maxBytes  = 64 << 20 // of messages
)

// event is one log event.
type event struct {
	ID       uint64 `json:"id"` // in order of arrival
	Stream   string `json:"stream"`
	At       int64  `json:"at"`       // ms since 1970
	Ingested int64  `json:"ingested"` // ms since 1970
	Message  string `json:"message"`
}

// journal holds the events of one group: in memory, and in a file that grows
// by a line an event. A line that a crash cut short is dropped on opening.
type journal struct {
	mu     sync.Mutex
	path   string // "" for memory only
	file   *os.File
	lines  int // in the file
	size   int // of the file
	last   uint64
	bytes  int64
	events []event
}

func openJournal(path string) (*journal, error) {
	j := &journal{path: path}
	if path == "" {
		return j, nil
	}
	if err := j.read(); err != nil {
		return nil, err
	}
	return j, j.rewrite()
}

func (j *journal) read() error {
	f, err := os.Open(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			j.keep(e)
		}
	}
	return lines.Err()
}

// keep adds an event in memory and forgets the oldest in excess.
func (j *journal) keep(e event) {
	j.last = max(j.last, e.ID)
	j.bytes += int64(len(e.Message))
	j.events = append(j.events, e)
	for len(j.events) > maxEvents || j.bytes > maxBytes {
		j.bytes -= int64(len(j.events[0].Message))
		j.events = j.events[1:]
	}
}

// rewrite makes the file hold what memory holds and opens it for appending.
func (j *journal) rewrite() error {
	var raw []byte
	for _, e := range j.events {
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		raw = append(append(raw, line...), '\n')
	}
	if err := store.WriteFile(j.path, raw); err != nil {
		return err
	}
	f, err := os.OpenFile(j.path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if j.file != nil {
		j.file.Close()
	}
	j.file, j.lines, j.size = f, len(j.events), len(raw)
	return nil
}

// add appends events, whose ids it sets. Durable says whether they must
// outlive a power failure once add returns; access logs need not.
func (j *journal) add(events []event, durable bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	var raw []byte
	for i := range events {
		events[i].ID = j.last + 1 + uint64(i)
		line, err := json.Marshal(events[i])
		if err != nil {
			return err
		}
		raw = append(append(raw, line...), '\n')
	}
	if j.path != "" {
		if j.lines+len(events) > 2*maxEvents || j.size+len(raw) > 4*maxBytes {
			if err := j.rewrite(); err != nil {
				return err
			}
		}
		if _, err := j.file.Write(raw); err != nil {
			return err
		}
		j.lines += len(events)
		j.size += len(raw)
		if durable {
			if err := j.file.Sync(); err != nil {
				return err
			}
		}
	}
	for _, e := range events {
		j.keep(e)
	}
	return nil
}

// selected returns the events that keep accepts, by time and then arrival.
func (j *journal) selected(keep func(event) bool) []event {
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []event
	for _, e := range j.events {
		if keep(e) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b event) int { return cmp.Compare(a.At, b.At) })
	return found
}

// dropStream forgets the events of a stream.
func (j *journal) dropStream(name string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	before := j.events
	j.events, j.bytes = nil, 0
	for _, e := range before {
		if e.Stream != name {
			j.keep(e)
		}
	}
	if j.path == "" {
		return nil
	}
	return j.rewrite()
}

func (j *journal) storedBytes() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytes
}

func (j *journal) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

// remove ends the journal and its file.
func (j *journal) remove() error {
	if err := j.close(); err != nil || j.path == "" {
		return err
	}
	err := os.Remove(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
