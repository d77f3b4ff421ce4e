package runner

import (
	"bytes"
	"crypto/rand"
	"os"
	"sync"
	"time"

	"github.com/entragate/entragate/sandbox/aws/logs"
)

const (
	// maxLine is where longer lines are cut, in bytes.
	maxLine = 256 << 10
	// maxTail is how much of a log an invocation may ask for, see
	// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html.
	maxTail = 4 << 10
	// drainTimeout bounds the wait for what a process wrote before it answered.
	drainTimeout = time.Second
)

// output reads what a process writes, line by line, and keeps it together with
// what Lambda adds. Nothing here grows with what the process writes.
type output struct {
	now  func() time.Time
	keep func([]logs.Line)

	read, write *os.File
	mark        []byte        // put into the pipe, tells how far it was read
	reached     chan struct{} // the reader came to a mark
	ended       chan struct{} // the reader came to the end

	mu    sync.Mutex
	added []logs.Line // by Lambda, not kept yet
	tail  []byte
}

func newOutput(now func() time.Time, keep func([]logs.Line)) (*output, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	o := &output{
		now: now, keep: keep, read: read, write: write,
		// A secret, so that no program writes it.
		mark: []byte("\x00" + rand.Text() + "\x00"), reached: make(chan struct{}, 1), ended: make(chan struct{}),
	}
	go o.follow()
	return o, nil
}

// follow reads until all writers have closed the pipe.
func (o *output) follow() {
	defer close(o.ended)
	defer o.read.Close()
	chunk := make([]byte, 32<<10)
	var pending []byte
	searched := 0
	for {
		n, err := o.read.Read(chunk)
		pending = append(pending, chunk[:n]...)
		var lines []string
		marked := false
		pending, searched, lines, marked = o.split(pending, searched)
		o.add(lines)
		if marked {
			select {
			case o.reached <- struct{}{}:
			default: // nobody waits any more
			}
		}
		if err != nil {
			if len(pending) > 0 {
				o.add([]string{string(pending)})
			}
			return
		}
	}
}

// split takes the lines and the mark out of what was read. It returns the rest,
// and how much of that needs no second look.
func (o *output) split(pending []byte, searched int) (rest []byte, looked int, lines []string, marked bool) {
	// A mark may stand anywhere, even within a line that is not complete.
	if at := bytes.Index(pending[max(0, searched-len(o.mark)):], o.mark); at >= 0 {
		at += max(0, searched-len(o.mark))
		pending = append(pending[:at:at], pending[at+len(o.mark):]...)
		marked, searched = true, min(searched, at)
	}
	for {
		end := bytes.IndexByte(pending[searched:], '\n')
		switch {
		case end >= 0 && searched+end <= maxLine:
			if line := pending[:searched+end]; len(line) > 0 {
				lines = append(lines, string(line))
			}
			pending, searched = pending[searched+end+1:], 0
		case len(pending) > maxLine:
			lines = append(lines, string(pending[:maxLine]))
			pending, searched = pending[maxLine:], 0
		default:
			return pending, len(pending), lines, marked
		}
	}
}

// add keeps lines of the process, after those that Lambda added before.
func (o *output) add(texts []string) {
	if len(texts) == 0 {
		return
	}
	at := o.now()
	lines := make([]logs.Line, len(texts))
	for i, text := range texts {
		lines[i] = logs.Line{At: at, Text: text}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.remember(lines)
	o.keep(append(o.added, lines...))
	o.added = nil
}

// begin starts the log of an invocation.
func (o *output) begin() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tail = nil
}

// queue adds lines of Lambda. They are kept with the next ones of the process,
// or at the end of the invocation.
func (o *output) queue(texts ...string) {
	at := o.now()
	var lines []logs.Line
	for _, text := range texts {
		lines = append(lines, logs.Line{At: at, Text: text})
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.remember(lines)
	o.added = append(o.added, lines...)
}

// finish ends the log of an invocation and returns the end of it.
func (o *output) finish(texts ...string) []byte {
	o.queue(texts...)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.keep(o.added)
	o.added = nil
	return o.tail
}

// remember keeps the tail.
func (o *output) remember(lines []logs.Line) {
	for _, line := range lines {
		text := line.Text
		if len(text) > maxTail {
			text = text[len(text)-maxTail:]
		}
		o.tail = append(append(o.tail, text...), '\n')
	}
	if excess := len(o.tail) - maxTail; excess > 0 {
		o.tail = append([]byte(nil), o.tail[excess:]...)
	}
}

// drain waits until what is in the pipe now is read.
func (o *output) drain() {
	select {
	case <-o.reached: // of a mark that came late
	default:
	}
	if _, err := o.write.Write(o.mark); err != nil {
		return // the process has ended and all is read
	}
	timer := time.NewTimer(drainTimeout)
	defer timer.Stop()
	select {
	case <-o.reached:
	case <-o.ended:
	case <-timer.C: // a flood
	}
}

// close ends reading once the process has ended.
func (o *output) close() {
	_ = o.write.Close() // twice is no harm
	timer := time.NewTimer(drainTimeout)
	defer timer.Stop()
	select {
	case <-o.ended:
	case <-timer.C: // something that the process started still has the pipe
		_ = o.read.Close()
		<-o.ended
	}
}
