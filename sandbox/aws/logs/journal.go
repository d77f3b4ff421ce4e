package logs

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/entragate/entragate/sandbox/store"
)

// capacity is how many events of a group are kept, the latest. AWS keeps all
// within the retention.
type capacity struct {
	events int
	bytes  int64 // of messages
}

var usualCapacity = capacity{200_000, 256 << 20}

// maxLine is above any event as JSON: each byte of a message may take six.
const maxLine = 8 << 20

// journal holds the events of one group: in memory, and in a file that grows
// by a line an event. A line that a crash cut short is dropped on opening.
type journal struct {
	mu       sync.Mutex
	path     string // "" for memory only
	capacity capacity
	file     *os.File
	lines    int // in the file
	size     int // of the file
	written  int // the size of the file when it was last written as a whole
	last     uint64
	kept     timeline
}

func openJournal(path string, capacity capacity) (*journal, error) {
	j := &journal{path: path, capacity: capacity}
	if path == "" {
		return j, nil
	}
	whole, err := j.read()
	if err != nil {
		return nil, err
	}
	if !whole {
		return j, j.rewrite()
	}
	j.written = j.size
	return j, j.open()
}

// read reports whether the file is there and holds nothing but what is kept.
func (j *journal) read() (whole bool, err error) {
	f, err := os.Open(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	var events []event
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		j.lines++
		j.size += len(lines.Bytes()) + 1
		var e event
		if json.Unmarshal(lines.Bytes(), &e) == nil {
			events = append(events, e)
			j.last = max(j.last, e.ID)
		}
	}
	j.kept.add(events)
	j.trim()
	return len(j.kept.events) == j.lines && info.Size() == int64(j.size), lines.Err()
}

func (j *journal) trim() { j.kept.trim(j.capacity.events, j.capacity.bytes) }

// open opens the file for appending.
func (j *journal) open() error {
	f, err := os.OpenFile(j.path, os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if j.file != nil {
		j.file.Close()
	}
	j.file = f
	return nil
}

// rewrite makes the file hold what memory holds and opens it.
func (j *journal) rewrite() error {
	raw, err := encode(j.kept.events)
	if err != nil {
		return err
	}
	if err := store.WriteFile(j.path, raw); err != nil {
		return err
	}
	j.lines, j.size, j.written = len(j.kept.events), len(raw), len(raw)
	return j.open()
}

func encode(events []event) ([]byte, error) {
	size := 0
	for _, e := range events {
		size += len(e.Message) * 5 / 4 // about, as JSON and with the rest
	}
	raw := make([]byte, 0, size)
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		raw = append(append(raw, line...), '\n')
	}
	return raw, nil
}

// add appends events, whose ids it sets. Durable says whether they must
// outlive a power failure once add returns; access logs need not.
func (j *journal) add(events []event, durable bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := range events {
		events[i].ID = j.last + 1 + uint64(i)
	}
	if err := j.write(events, durable); err != nil {
		return err
	}
	j.last += uint64(len(events))
	j.kept.add(slices.Clone(events))
	j.trim()
	return nil
}

// write appends events to the file. One that holds about twice what is kept is
// written anew first.
func (j *journal) write(events []event, durable bool) error {
	if j.path == "" {
		return nil
	}
	raw, err := encode(events)
	if err != nil {
		return err
	}
	if j.lines+len(events) > 2*j.capacity.events || int64(j.size+len(raw)) > 2*int64(j.written)+j.capacity.bytes {
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
		return j.file.Sync()
	}
	return nil
}

// dropStream forgets the events of a stream.
func (j *journal) dropStream(name string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	before := j.kept
	j.kept = timeline{}
	j.kept.add(slices.DeleteFunc(slices.Clone(before.events), func(e event) bool { return e.Stream == name }))
	if j.path == "" {
		return nil
	}
	return j.rewrite()
}

func (j *journal) storedBytes() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.kept.bytes
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
