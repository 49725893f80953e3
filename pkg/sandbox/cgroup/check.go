package cgroup

import specs "github.com/opencontainers/runtime-spec/specs-go"

// Check names the first field of linux.resources that cannot be done on this kind of host.
func Check(r *specs.LinuxResources) error {
	if r == nil {
		return nil
	}
	_, err := deviceRules(r.Devices)
	return err
}

func (g *Group) mounted(*specs.LinuxResources) error { return nil }
