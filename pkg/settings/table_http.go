package settings

import (
	"math"
	"time"
)

func httpTable() []Setting {
	return []Setting{
		field(Setting{
			Name: "http-addr", Heading: headingHTTP, Default: ":8080", Where: Everywhere, Rule: Free,
			Doc: "Where to listen: an IP address and a port. Without an address it is all of IPv4 and IPv6, where there is one.",
		}, address(), func(v *Values) *string { return &v.HTTP.Addr }),
		field(Setting{
			Name: "http-requests", Heading: headingHTTP, Default: "128", Where: Everywhere, Rule: Maximum,
			Doc: "Requests that are answered at a time.",
		}, count(1, most), func(v *Values) *int { return &v.HTTP.Requests }),
		field(Setting{
			Name: "http-queue", Heading: headingHTTP, Default: "1024", Where: Everywhere, Rule: Maximum,
			Doc: "Requests that wait for that. The others get 503 with Retry-After.",
		}, countOrNone(most), func(v *Values) *int { return &v.HTTP.Queue }),
		field(Setting{
			Name: "http-timeout", Heading: headingHTTP, Default: "1m", Where: Everywhere, Rule: Maximum,
			Doc: "What a request may take in all, also in the queue. Then the guest is stopped, whatever it does, and the client gets 504, or a connection that breaks off if the response has begun.",
		}, duration(math.MaxInt64), func(v *Values) *time.Duration { return &v.HTTP.Timeout }),
		field(Setting{
			Name: "http-body", Heading: headingHTTP, Default: "1GiB", Where: Everywhere, Rule: Maximum,
			Doc: "The largest body of a request. A larger one is 413, or an error in the stream if it has not said its length.",
		}, size(), func(v *Values) *int64 { return &v.HTTP.Body }),
		field(Setting{
			Name: "http-memory", Heading: headingHTTP, Otherwise: "of a memory limit an eighth, without one 4 GiB", Example: "64MiB", Where: Everywhere, Rule: Maximum,
			Doc: "The bound of each linear memory of an instance.",
		}, size(), func(v *Values) *int64 { return &v.HTTP.Memory }),
		field(Setting{
			Name: "http-reuse", Heading: headingHTTP, Default: "1", Where: Everywhere, Rule: Maximum,
			Doc: "Requests that an instance answers, one after the other. With more than 1 a guest sees what it has left in its memory.",
		}, count(1, most), func(v *Values) *int { return &v.HTTP.Reuse }),
		field(Setting{
			Name: "http-waiting", Heading: headingHTTP, Otherwise: "one per processor", Example: "4", Where: Everywhere, Rule: Maximum,
			Doc: "Instances that are made before there are requests for them.",
		}, countOrNone(most), func(v *Values) *int { return &v.HTTP.Waiting }),
		field(Setting{
			Name: "http-connections", Heading: headingHTTP, Default: "4096", Where: Everywhere, Rule: Maximum,
			Doc: "Clients at a time. When there are more, the one goes that has idled for the longest time.",
		}, count(1, most), func(v *Values) *int { return &v.HTTP.Connections }),
		field(Setting{
			Name: "http-access-log", Heading: headingHTTP, Otherwise: "none", Example: "stdout", Where: Everywhere, Rule: Free,
			Doc: "Where a line of JSON for each request goes; `none` for nowhere.",
		}, accessLog(), func(v *Values) *string { return &v.HTTP.AccessLog }),
		field(Setting{
			Name: "http-metrics-addr", Heading: headingHTTP, Otherwise: "none", Example: ":9090", Where: Everywhere, Rule: Free,
			Doc: "Where to give figures as Prometheus reads them.",
		}, address(), func(v *Values) *string { return &v.HTTP.MetricsAddr }),
	}
}

// accessLog is a stream, or none, for a container whose operator or image names one.
func accessLog() kind[string] {
	k := choice("stdout", "stderr", "none")
	read := k.read
	k.read = func(text string) (string, error) {
		if text == "" || text == "none" {
			return "", nil
		}
		return read(text)
	}
	return k
}
