package review

import (
	"fmt"
	"maps"
	"slices"
)

// unseenWatch is why no cell shows what tells of calls.
const unseenWatch = "the matrix says who may call, not who hears of it"

// watch compares what tells of calls: the access log and the alarms.
func (c *comparison) watch() {
	c.log()
	before, after := c.before.Alarms, c.after.Alarms
	f := Finding{
		Subject: "subscriptions", Setting: "alarms.subscriptions", Tokens: c.tokens.none(), Unseen: unseenWatch,
		Cause: fmt.Sprintf("from %d to %d told", before.Told, after.Told),
		Words: fmt.Sprintf("%d are told of alarms in place of %d.", after.Told, before.Told),
	}
	switch {
	case before.Told > 0 && after.Told == 0:
		f.Rule, f.Words = "alarm-removed", "Nobody is told of alarms any more."
		c.find(f)
	case after.Told < before.Told:
		f.Rule = "alarm-loosened"
		c.find(f)
	case after.Told > before.Told:
		f.Rule = "alarm-tightened"
		c.find(f)
	}
	c.thresholds(before.Thresholds, after.Thresholds)
}

// log compares how the access log is kept. What shortens it cannot be undone.
func (c *comparison) log() {
	before, after := c.before.Log, c.after.Log
	if before.RetentionDays != after.RetentionDays {
		f := Finding{
			Rule: "log-retention-extended", Subject: "accessLog", Setting: "accessLog.retentionDays", Tokens: c.tokens.none(),
			Cause: fmt.Sprintf("retentionDays from %d to %d", before.RetentionDays, after.RetentionDays),
			Words: fmt.Sprintf("Logs are kept for %s in place of %s.", days(after.RetentionDays), days(before.RetentionDays)),
		}
		if after.RetentionDays != 0 && (before.RetentionDays == 0 || after.RetentionDays < before.RetentionDays) {
			f.Rule = "log-retention-shortened"
			f.Words += " What is older is deleted for good."
		}
		c.find(f)
	}
	if before.Encrypted != after.Encrypted {
		f := Finding{
			Rule: "log-encrypted", Subject: "accessLog", Setting: "accessLog.kmsKey", Tokens: c.tokens.none(), Unseen: unseenWatch,
			Cause: "a key of one's own", Words: "A key of one's own encrypts logs from now on.",
		}
		if before.Encrypted {
			f.Rule, f.Cause = "log-unencrypted", "no key of one's own"
			f.Words = "No key of one's own encrypts logs from now on. What is there already still needs the old key."
		}
		c.find(f)
	}
}

func days(n int) string {
	if n == 0 {
		return "ever"
	}
	return counted(n, "day", "days")
}

// thresholds compares when alarms go off. All of them are what is reached, so
// more is later.
func (c *comparison) thresholds(before, after map[string]float64) {
	for _, name := range joined(slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after))) {
		was, had := before[name]
		is, has := after[name]
		if had == has && was == is {
			continue
		}
		f := Finding{
			Rule: "alarm-tightened", Subject: name, Setting: "alarms.thresholds." + name, Tokens: c.tokens.none(),
			Cause: fmt.Sprintf("%s from %g to %g", name, was, is),
			Words: fmt.Sprintf("The alarm about %s goes off at %g in place of %g.", name, is, was),
		}
		switch {
		case !has:
			f.Rule, f.Words = "alarm-loosened", fmt.Sprintf("There is no threshold of %s any more.", name)
		case !had:
			f.Words = fmt.Sprintf("There is a threshold of %s: %g.", name, is)
		case is > was:
			f.Rule = "alarm-loosened"
		}
		c.find(f)
	}
}
