package components

import (
	"fmt"
	"strings"
)

// consoleHost is where the console of a region is.
func consoleHost(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return region + ".console.amazonaws.cn"
	case strings.HasPrefix(region, "us-gov-"):
		return region + ".console.amazonaws-us-gov.com"
	}
	return region + ".console.aws.amazon.com"
}

// queryLink opens a query over the last hour in CloudWatch Logs Insights. The
// form is what the console itself writes; AWS does not document it.
func queryLink(region, group, query string) string {
	return fmt.Sprintf("https://%s/cloudwatch/home?region=%s#logsV2:logs-insights$3FqueryDetail$3D"+
		"~(end~0~start~-3600~timeType~'RELATIVE~unit~'seconds~editorString~'%s~source~(~'%s))",
		consoleHost(region), region, consoleText(query), consoleText(group))
}

// dashboardLink opens a dashboard.
func dashboardLink(region, name string) string {
	return fmt.Sprintf("https://%s/cloudwatch/home?region=%s#dashboards/dashboard/%s", consoleHost(region), region, name)
}

// consoleText encodes text within such a link: * and the code for whatever is
// no letter, digit or one of -_.
func consoleText(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "*%02x", c)
		}
	}
	return b.String()
}
