package pod

import (
	"fmt"
	"math"
	"path"
	"strings"

	"github.com/containerd/errdefs"
	"google.golang.org/protobuf/encoding/protowire"
)

// configType is CRI's message, k8s.io/cri-api's runtime.v1.PodSandboxConfig.
const configType = "runtime.v1.PodSandboxConfig"

// mode is CRI's NamespaceMode.
type mode uint64

const (
	modePod       mode = 0 // the pod's, shared by its containers
	modeContainer mode = 1 // each container's own
	modeNode      mode = 2 // the host's
)

// config is what matters here of a PodSandboxConfig.
type config struct {
	hostname     string
	dns          *dns // nil is the host's
	cgroupParent string
	sysctls      map[string]string
	network      mode
	pid          mode
	ipc          mode
	users        *users // nil is the host's
	runAsUser    *uint32
	runAsGroup   *uint32
}

// dns is resolver configuration (resolv.conf(5)).
type dns struct{ servers, searches, options []string }

// users is a user namespace.
type users struct {
	mode       mode
	uids, gids []mapping
}

// mapping is one line of a user namespace's mappings.
type mapping struct{ container, host, length uint32 }

// parseOptions reads the options of a sandbox, a google.protobuf.Any. No options, an empty type, are the zero value. Errors are
// errdefs.ErrInvalidArgument.
func parseOptions(typeURL string, value []byte) (config, error) {
	if typeURL == "" {
		return config{}, nil
	}
	if name := typeURL[strings.LastIndexByte(typeURL, '/')+1:]; name != configType {
		return config{}, fmt.Errorf("options of type %q, want %s: %w", typeURL, configType, errdefs.ErrInvalidArgument)
	}
	c, err := parseConfig(value)
	if err != nil {
		return config{}, fmt.Errorf("%s: %w: %w", configType, err, errdefs.ErrInvalidArgument)
	}
	return c, nil
}

// fields are what to do with the fields of a message, by number: with those that are messages or strings, and with numbers. A field that is
// in neither is passed over, and so is one of another kind than it should have, as protobuf wants.
type fields struct {
	bytes   map[protowire.Number]func([]byte) error
	numbers map[protowire.Number]func(uint64) error
}

// read takes a message apart.
func (f fields) read(message []byte) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		var err error
		switch use, count := f.bytes[number], f.numbers[number]; {
		case kind == protowire.BytesType && use != nil:
			var content []byte
			if content, n = protowire.ConsumeBytes(message); n >= 0 {
				err = use(content)
			}
		case kind == protowire.VarintType && count != nil:
			var value uint64
			if value, n = protowire.ConsumeVarint(message); n >= 0 {
				err = count(value)
			}
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err != nil {
			return err
		}
		message = message[n:]
	}
	return nil
}

type (
	byteFields   = map[protowire.Number]func([]byte) error
	numberFields = map[protowire.Number]func(uint64) error
)

func text(to *string) func([]byte) error {
	return func(b []byte) error { *to = string(b); return nil }
}

func list(to *[]string) func([]byte) error {
	return func(b []byte) error { *to = append(*to, string(b)); return nil }
}

func namespaceMode(to *mode) func(uint64) error {
	return func(v uint64) error { *to = mode(v); return nil }
}

// number takes one of 32 bits.
func number(to *uint32) func(uint64) error {
	return func(v uint64) error { *to = uint32(v); return nil }
}

// parseConfig reads a PodSandboxConfig. The numbers are those of CRI's api.proto.
func parseConfig(message []byte) (config, error) {
	var c config
	err := fields{bytes: byteFields{
		2: text(&c.hostname),
		4: func(b []byte) error {
			if c.dns == nil {
				c.dns = &dns{}
			}
			return fields{bytes: byteFields{1: list(&c.dns.servers), 2: list(&c.dns.searches), 3: list(&c.dns.options)}}.read(b)
		},
		8: c.parseLinux,
	}}.read(message)
	return c, err
}

// parseLinux reads a LinuxPodSandboxConfig.
func (c *config) parseLinux(message []byte) error {
	return fields{bytes: byteFields{
		1: text(&c.cgroupParent),
		2: c.parseSecurity,
		3: func(b []byte) error {
			var name, value string
			if err := (fields{bytes: byteFields{1: text(&name), 2: text(&value)}}).read(b); err != nil {
				return err
			}
			if c.sysctls == nil {
				c.sysctls = map[string]string{}
			}
			c.sysctls[name] = value
			return nil
		},
	}}.read(message)
}

// parseSecurity reads a LinuxSandboxSecurityContext.
func (c *config) parseSecurity(message []byte) error {
	return fields{bytes: byteFields{
		1: c.parseNamespaces,
		3: identity(&c.runAsUser),
		8: identity(&c.runAsGroup),
	}}.read(message)
}

// parseNamespaces reads a NamespaceOption.
func (c *config) parseNamespaces(message []byte) error {
	return fields{
		numbers: numberFields{1: namespaceMode(&c.network), 2: namespaceMode(&c.pid), 3: namespaceMode(&c.ipc)},
		bytes: byteFields{5: func(b []byte) error {
			if c.users == nil {
				c.users = &users{}
			}
			return fields{
				numbers: numberFields{1: namespaceMode(&c.users.mode)},
				bytes:   byteFields{2: mappings(&c.users.uids), 3: mappings(&c.users.gids)},
			}.read(b)
		}},
	}.read(message)
}

// mappings reads one IDMapping more.
func mappings(to *[]mapping) func([]byte) error {
	return func(b []byte) error {
		var m mapping
		err := fields{numbers: numberFields{1: number(&m.host), 2: number(&m.container), 3: number(&m.length)}}.read(b)
		*to = append(*to, m)
		return err
	}
}

// identity reads an Int64Value that is a user or group.
func identity(to **uint32) func([]byte) error {
	return func(b []byte) error {
		var id uint32
		if *to != nil { // a message that comes in two parts is their sum
			id = **to
		}
		err := fields{numbers: numberFields{1: func(v uint64) error {
			if v > math.MaxUint32 {
				return fmt.Errorf("%d is no user or group: %w", int64(v), errdefs.ErrInvalidArgument)
			}
			id = uint32(v)
			return nil
		}}}.read(b)
		*to = &id
		return err
	}
}

// mapsUsers reports whether the pod has a user namespace.
func (c *config) mapsUsers() bool { return c.users != nil && c.users.mode == modePod }

// systemd reports whether the pod's control groups are systemd's, which says the parent's name.
func (c *config) systemd() bool { return strings.HasSuffix(path.Base(c.cgroupParent), ".slice") }

// cgroupsPath is where the pause has its group, in the place that it has in containerd's other mode; "" is the runtime's own place.
func (c *config) cgroupsPath(id string) string {
	switch {
	case c.cgroupParent == "":
		return ""
	case c.systemd():
		return path.Base(c.cgroupParent) + ":cri-containerd:" + id
	}
	return path.Join(c.cgroupParent, id)
}

// resolvConf is the file's content, in the order in which containerd writes it.
func (d *dns) resolvConf() string {
	var out strings.Builder
	if len(d.searches) > 0 {
		fmt.Fprintf(&out, "search %s\n", strings.Join(d.searches, " "))
	}
	for _, s := range d.servers {
		fmt.Fprintf(&out, "nameserver %s\n", s)
	}
	if len(d.options) > 0 {
		fmt.Fprintf(&out, "options %s\n", strings.Join(d.options, " "))
	}
	return out.String()
}
