package bundle

import (
	"github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/settings"
)

// GroupAnnotation names the containers that share a shim.
const GroupAnnotation = settings.AnnotationPrefix + "group"

// takeSettings reads the settings out of the specification. Variables of wasmgo are removed from process.env, so that
// the guest does not see them.
func takeSettings(spec *specs.Spec, host settings.Host) (settings.Values, error) {
	c, err := settings.ReadContainer(spec.Annotations, spec.Process.Env)
	if err != nil {
		return settings.Values{}, err
	}
	v, err := host.For(c)
	if err != nil {
		return settings.Values{}, err
	}
	spec.Process.Env = c.Env
	return v, nil
}
