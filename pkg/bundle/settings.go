package bundle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/handover"
)

// Prefixes of wasmgo's settings. A setting has one name in both places: io.containerd.wasmgo.a-b is WASMGO_A_B.
const (
	annotationPrefix = "io.containerd.wasmgo."
	variablePrefix   = "WASMGO_"
)

// Settings are what a user sets for one container.
type Settings struct {
	// Group names the containers that share a shim (annotation only: the shim is chosen before the container is
	// read). "" leaves it to the annotations of CRI and of containerd-shim-runc-v2.
	Group string
	// Deny is what a component may not have of the container's network.
	Deny handover.Deny
	// HTTP is how a component is served that serves HTTP.
	HTTP handover.HTTP
}

// setting is one row of the table: where a value may come from and where it goes.
type setting struct {
	key        string
	annotation bool // may be an annotation
	variable   bool // may be a variable
	set        func(s *Settings, value string) error
}

// settings is the one table of them. Annotations win over variables: an operator sets the former, an image the latter.
var settings = append(httpSettings(), []setting{
	{key: "group", annotation: true, set: func(s *Settings, v string) error {
		if v == "" {
			return errEmpty
		}
		s.Group = v
		return nil
	}},
	{key: "deny", annotation: true, variable: true, set: func(s *Settings, v string) error {
		deny, err := parseDeny(v)
		s.Deny = deny
		return err
	}},
}...)

var errDeny = fmt.Errorf("want any of tcp, udp, dns, with commas between them: %w", errdefs.ErrInvalidArgument)

// parseDeny reads a list like "tcp,dns"; "" denies nothing, so that an operator can say so where an image says something.
func parseDeny(value string) (d handover.Deny, err error) {
	if value == "" {
		return d, nil
	}
	for part := range strings.SplitSeq(value, ",") {
		switch strings.TrimSpace(part) {
		case "tcp":
			d.TCP = true
		case "udp":
			d.UDP = true
		case "dns":
			d.DNS = true
		default:
			return handover.Deny{}, errDeny
		}
	}
	return d, nil
}

var errEmpty = fmt.Errorf("value is empty: %w", errdefs.ErrInvalidArgument)

// GroupAnnotation is the annotation behind Settings.Group.
const GroupAnnotation = annotationPrefix + "group"

// takeSettings reads the settings out of the specification. Variables of wasmgo are removed from process.env, so that
// the guest does not see them.
func takeSettings(spec *specs.Spec) (Settings, error) {
	var s Settings
	var kept []string
	for i, env := range spec.Process.Env {
		name, value, _ := strings.Cut(env, "=")
		key, ok := strings.CutPrefix(name, variablePrefix)
		if !ok {
			if kept != nil {
				kept = append(kept, env)
			}
			continue
		}
		if kept == nil { // the first one: from here on env is rewritten
			kept = append(make([]string, 0, len(spec.Process.Env)), spec.Process.Env[:i]...)
		}
		key = strings.ReplaceAll(strings.ToLower(key), "_", "-")
		if err := apply(&s, key, value, func(row setting) bool { return row.variable }); err != nil {
			return Settings{}, fmt.Errorf("variable %s in process.env: %w", name, err)
		}
	}
	if kept != nil {
		spec.Process.Env = kept
	}
	for name, value := range spec.Annotations {
		key, ok := strings.CutPrefix(name, annotationPrefix)
		if !ok {
			continue
		}
		if err := apply(&s, key, value, func(row setting) bool { return row.annotation }); err != nil {
			return Settings{}, fmt.Errorf("annotation %s: %w", name, err)
		}
	}
	return s, nil
}

func apply(s *Settings, key, value string, allowed func(setting) bool) error {
	i := slices.IndexFunc(settings, func(row setting) bool { return row.key == key })
	if i < 0 || !allowed(settings[i]) {
		return fmt.Errorf("no such setting: %w", errdefs.ErrInvalidArgument)
	}
	if err := settings[i].set(s, value); err != nil {
		return fmt.Errorf("value %q: %w", value, err)
	}
	return nil
}
