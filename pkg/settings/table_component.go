package settings

import (
	"strings"
)

const headingComponent = "What a component imports"

func componentTable() []Setting {
	return []Setting{
		field(Setting{
			Name: "keyvalue", Heading: headingComponent, Default: "memory", Where: Everywhere, Rule: Free,
			Doc: "Where the buckets of wasi:keyvalue are: in the memory of the container, nowhere, or on a Redis server, to which the container connects from its own network when it first needs it.",
		}, store(), func(v *Values) *string { return &v.Keyvalue.Store }),
		field(Setting{
			Name: "keyvalue-buckets", Heading: headingComponent, Otherwise: "all", Example: "default,sessions", Where: Everywhere, Rule: Free,
			Doc: "The names of the buckets that there are. Opening another one is an error to the guest (no such store).",
		}, names(), func(v *Values) *[]string { return &v.Keyvalue.Buckets }),
		field(Setting{
			Name: "keyvalue-memory", Heading: headingComponent, Otherwise: "`64MiB`, of a memory limit at most an eighth", Example: "16MiB", Where: Everywhere, Rule: Maximum,
			Doc: "The bound of buckets in memory: keys, values, and 192 bytes for each pair and 320 for each bucket. Setting more is an error to the guest.",
		}, size(), func(v *Values) *int64 { return &v.Keyvalue.Memory }),
		field(Setting{
			Name: "logging-level", Heading: headingComponent, Default: "trace", Where: Everywhere, Rule: Free,
			Doc: "The least of what a component logs by wasi:logging that is written to the container's standard error.",
		}, choice("trace", "debug", "info", "warn", "error", "critical"), func(v *Values) *string { return &v.LoggingLevel }),
		field(Setting{
			Name: "host-certificates", Heading: headingComponent, Default: "on", Where: Operators,
			Doc: "Whether a component whose container has no certificates of authorities believes the host's when it makes a request over TLS, or those in the file of that path on the host. Otherwise they are those that Mozilla's browser believes. Nothing of the host is to be seen in the container.",
		}, certificates(), func(v *Values) *string { return &v.HostCertificates }),
		// The last of all: in a file what follows the beginning of a table belongs to it.
		family(Setting{
			Name: "config", Heading: headingComponent, Otherwise: "the container's variables", Example: "log-requests = \"yes\"",
			Where: File | Options | Annotation, Rule: Free,
			Doc: "A value of wasi:config. Keys that nobody has set are looked up among the container's variables, as they are and in capitals with underscores.",
		}, anything(), func(v *Values) *map[string]string { return &v.Config }),
	}
}

// CertificatesOff is the value of host-certificates for none.
const CertificatesOff = "off"

// certificates is on, which comes out as "", off, or a path.
func certificates() kind[string] {
	return kind[string]{name: "`on`, `off` or an absolute path", read: func(text string) (string, error) {
		switch {
		case text == "on":
			return "", nil
		case text == CertificatesOff, strings.HasPrefix(text, "/") && !strings.ContainsRune(text, 0):
			return text, nil
		}
		return "", want("on, off, or the absolute path of a file with certificates in PEM")
	}}
}

// anything is text, also none.
func anything() kind[string] {
	return kind[string]{name: "text", read: func(text string) (string, error) {
		if strings.ContainsRune(text, 0) {
			return "", want("a text without zero bytes")
		}
		return text, nil
	}}
}

// names is a list of names with commas between them. An empty name is one; the empty list is all.
func names() kind[[]string] {
	return kind[[]string]{name: "names with commas between them", read: func(text string) ([]string, error) {
		if text == "" {
			return nil, nil
		}
		list := strings.Split(text, ",")
		for i := range list {
			list[i] = strings.TrimSpace(list[i])
			if strings.ContainsAny(list[i], ":\x00") {
				return nil, want("names of buckets, which have no colons, with commas between them")
			}
		}
		return list, nil
	}}
}

// store is a place for buckets. All of a URL the runner checks, which has the client for it.
func store() kind[string] {
	schemes := []string{"redis://", "rediss://", "unix://"}
	return kind[string]{
		name: "`memory`, `none`, or `redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, `rediss://…`, `unix:///PATH`",
		read: func(text string) (string, error) {
			if text == "memory" || text == "none" {
				return text, nil
			}
			for _, s := range schemes {
				rest, ok := strings.CutPrefix(text, s)
				server := rest[strings.LastIndexByte(rest, '@')+1:]
				if ok && server != "" && (s != "unix://") == (server[0] != '/') && !strings.ContainsRune(text, 0) {
					return text, nil
				}
			}
			return "", want("memory, none, or the URL of a Redis server: redis://HOST:PORT/DATABASE, rediss:// for TLS, unix:///PATH")
		},
		show: hidePassword,
	}
}

// hidePassword is a URL without what is before the last @ in its authority. Of what is no URL it leaves no more.
func hidePassword(text string) string {
	i := strings.LastIndexByte(text, '@')
	if i < 0 {
		return text
	}
	scheme, _, ok := strings.Cut(text[:i], "://")
	if !ok {
		return "…" + text[i:]
	}
	return scheme + "://…" + text[i:]
}
