package runner

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// report is what Lambda writes into the log about an invocation, see
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html.
type report struct {
	fn         Function
	requestID  string
	cold       bool
	init, took time.Duration
	memory     int // MB, the most so far
	failure    *failure
}

func millis(d time.Duration) float64 {
	return math.Round(float64(d)/float64(time.Millisecond)*100) / 100
}

// billed rounds up to a millisecond. For these runtimes, the time of the
// initialisation counts
// (https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/).
func (r report) billed() int { return int(math.Ceil(millis(r.took + r.init))) }

func (r report) start(now time.Time) []string {
	if r.fn.JSONLogs {
		return []string{platform(now, "platform.start", map[string]any{"requestId": r.requestID, "version": r.fn.Version})}
	}
	return []string{fmt.Sprintf("START RequestId: %s Version: %s", r.requestID, r.fn.Version)}
}

func (r report) end(now time.Time) []string {
	if r.fn.JSONLogs {
		return []string{r.json(now)}
	}
	var lines []string
	text := fmt.Sprintf("REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		r.requestID, millis(r.took), r.billed(), r.fn.MemoryMB, r.memory)
	if r.cold {
		text += fmt.Sprintf("Init Duration: %.2f ms\t", millis(r.init))
	}
	if f := r.failure; f != nil {
		if f.status == "timeout" {
			lines = append(lines, fmt.Sprintf("%s %s %s", now.UTC().Format("2006-01-02T15:04:05.000Z"), r.requestID, f.message))
		} else {
			lines = append(lines, "RequestId: "+r.requestID+" Error: "+f.message, f.kind)
		}
		text += "Status: " + f.status
		if f.status == "error" {
			text += "\tError Type: " + f.kind
		}
	}
	return append(lines, "END RequestId: "+r.requestID, text)
}

func (r report) json(now time.Time) string {
	metrics := map[string]any{
		"durationMs": millis(r.took), "billedDurationMs": r.billed(), "memorySizeMB": r.fn.MemoryMB, "maxMemoryUsedMB": r.memory,
	}
	if r.cold {
		metrics["initDurationMs"] = millis(r.init)
	}
	record := map[string]any{"requestId": r.requestID, "metrics": metrics, "status": "success"}
	if f := r.failure; f != nil {
		record["status"], record["errorType"] = f.status, f.kind
	}
	return platform(now, "platform.report", record)
}

func platform(now time.Time, kind string, record map[string]any) string {
	raw, err := json.Marshal(map[string]any{"time": now.UTC().Format("2006-01-02T15:04:05.000Z"), "type": kind, "record": record})
	if err != nil {
		panic(err) // impossible: texts and numbers only
	}
	return string(raw)
}

// streamName is what a process writes its log to.
func streamName(now time.Time, version string) string {
	id := make([]byte, 16)
	rand.Read(id) // never fails, see its documentation
	return now.UTC().Format("2006/01/02/") + "[" + version + "]" + hex.EncodeToString(id)
}
