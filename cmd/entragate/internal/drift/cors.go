package drift

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
)

// cors compares which pages may call.
func (c *comparison) cors(got *types.Cors) {
	want := c.CORS
	subject := "CORS of the API"
	switch {
	case got == nil && want == nil:
		return
	case want == nil:
		c.add(Finding{
			Subject: subject, What: AddedOutside, Effect: Widening, Got: "origins " + strings.Join(got.AllowOrigins, ", "),
			Access: pages(got.AllowOrigins) + " gain access, with the tokens that they have", Fix: deploy,
		})
		return
	case got == nil:
		c.add(Finding{
			Subject: subject, What: Missing, Effect: Breaking, Want: "origins " + strings.Join(want.AllowOrigins, ", "),
			Access: pages(want.AllowOrigins) + " lose access: browsers refuse", Fix: deploy,
		})
		return
	}
	c.corsList(subject, "origins", got.AllowOrigins, want.AllowOrigins, pages)
	if len(want.AllowMethods) > 0 {
		c.corsList(subject, "methods", got.AllowMethods, want.AllowMethods, func(v []string) string { return "pages that use " + strings.Join(v, ", ") })
	}
	if len(want.AllowHeaders) > 0 {
		c.corsList(subject, "headers", lower(got.AllowHeaders), lower(want.AllowHeaders), func(v []string) string { return "pages that send " + strings.Join(v, ", ") })
	}
	c.corsList(subject, "exposed headers", lower(got.ExposeHeaders), lower(want.ExposeHeaders), func(v []string) string {
		return "pages that read " + strings.Join(v, ", ")
	})
	if with := aws.ToBool(got.AllowCredentials); with != want.AllowCredentials {
		c.add(Finding{
			Subject: subject, What: Changed, Effect: effectOf(with),
			Got: fmt.Sprintf("credentials: %t", with), Want: fmt.Sprintf("credentials: %t", want.AllowCredentials),
			Access: "pages of other origins may send cookies, if so", Fix: deploy,
		})
	}
	if age := int(aws.ToInt32(got.MaxAge)); want.MaxAgeSeconds != nil && age != *want.MaxAgeSeconds {
		c.add(Finding{
			Subject: subject, What: Changed, Effect: Neutral,
			Got: fmt.Sprintf("kept for %d s", age), Want: fmt.Sprintf("kept for %d s", *want.MaxAgeSeconds),
			Access: "nobody gains or loses: browsers ask more or less often", Fix: deploy,
		})
	}
}

func (c *comparison) corsList(subject, what string, got, want []string, who func([]string) string) {
	f := Finding{
		Subject: subject, What: Changed, Got: what + " " + strings.Join(got, ", "), Want: what + " " + strings.Join(want, ", "), Fix: deploy,
	}
	if added := without(got, want); len(added) > 0 {
		f.Effect, f.Access = Widening, who(added)+" gain access, with the tokens that they have"
	} else if gone := without(want, got); len(gone) > 0 {
		f.Effect, f.Access = Breaking, who(gone)+" lose access: browsers refuse"
	} else {
		return
	}
	c.add(f)
}

// pages are those of origins.
func pages(origins []string) string {
	if slices.Contains(origins, "*") {
		return "pages of every origin"
	}
	return "pages of " + strings.Join(origins, ", ")
}

func lower(values []string) []string {
	lowered := make([]string, len(values))
	for i, v := range values {
		lowered[i] = strings.ToLower(v)
	}
	return lowered
}
