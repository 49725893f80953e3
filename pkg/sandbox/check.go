package sandbox

import (
	"fmt"
	"path"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"wasmgo/pkg/sandbox/cgroup"
)

// Check names the first field of the spec that is asked for and not done, or makes no sense. docs/oci-support.md has
// the whole list. Errors are errdefs.ErrInvalidArgument or errdefs.ErrNotImplemented.
func Check(spec *specs.Spec) error {
	if spec == nil || spec.Process == nil {
		return invalid("process", "missing")
	}
	if spec.Root == nil || spec.Root.Path == "" {
		return invalid("root.path", "missing")
	}
	ns, err := newNamespaces(linux(spec).Namespaces)
	if err != nil {
		return err
	}
	for _, check := range []func(*specs.Spec, namespaces) error{
		checkPlatform, checkProcess, checkNames, checkMounts, checkDevices, checkLinux, checkSysctls, checkHooks,
	} {
		if err := check(spec, ns); err != nil {
			return err
		}
	}
	return nil
}

func checkPlatform(s *specs.Spec, _ namespaces) error {
	switch {
	case s.Solaris != nil:
		return notImplemented("solaris", "Solaris")
	case s.Windows != nil:
		return notImplemented("windows", "Windows")
	case s.VM != nil:
		return notImplemented("vm", "a virtual machine")
	case s.ZOS != nil:
		return notImplemented("zos", "z/OS")
	case s.FreeBSD != nil:
		return notImplemented("freebsd", "FreeBSD")
	}
	return nil
}

func checkProcess(s *specs.Spec, _ namespaces) error {
	p := s.Process
	switch {
	case len(p.Args) == 0:
		return invalid("process.args", "empty")
	case !path.IsAbs(p.Cwd):
		return invalid("process.cwd", "%q is not an absolute path", p.Cwd)
	case p.Scheduler != nil:
		return notImplemented("process.scheduler", "a scheduling policy")
	case p.IOPriority != nil:
		return notImplemented("process.ioPriority", "an I/O priority")
	case p.ExecCPUAffinity != nil:
		return notImplemented("process.execCPUAffinity", "a CPU affinity of execs")
	case p.OOMScoreAdj != nil && (*p.OOMScoreAdj < -1000 || *p.OOMScoreAdj > 1000):
		return invalid("process.oomScoreAdj", "%d is not within -1000 and 1000", *p.OOMScoreAdj)
	}
	if err := checkRlimits(p.Rlimits); err != nil {
		return err
	}
	return checkLabels(s)
}

func checkNames(s *specs.Spec, ns namespaces) error {
	switch {
	case s.Hostname != "" && !ns.has(unix.CLONE_NEWUTS):
		return invalid("hostname", "the container shares the host's uts namespace")
	case s.Domainname != "" && !ns.has(unix.CLONE_NEWUTS):
		return invalid("domainname", "the container shares the host's uts namespace")
	}
	return nil
}

func checkMounts(s *specs.Spec, ns namespaces) error {
	for i, m := range s.Mounts {
		field := fmt.Sprintf("mounts[%d]", i)
		o := parseOptions(m.Options)
		bind := o.bind || m.Type == "bind" || m.Type == "rbind"
		switch {
		case m.Destination == "":
			return invalid(field+".destination", "missing")
		case path.Clean("/"+m.Destination) == "/" && !o.remount:
			return notImplemented(field+".destination", "a mount on the root file system itself")
		case mapsIDs(m, o) && !bind:
			return invalid(field+".uidMappings", "only a bind mount can be id-mapped")
		case mapsIDs(m, o) && !(ns.has(unix.CLONE_NEWUSER) && ownMappings(m, linux(s))):
			return notImplemented(field+".uidMappings", "a mount with mappings other than those of the container's user namespace")
		case bind && m.Source == "" && !o.remount:
			return invalid(field+".source", "missing")
		case !bind && m.Type == "" && !o.remount:
			return invalid(field+".type", "missing")
		case bind && !o.remount && len(o.bindData()) > 0:
			return invalid(field+".options", "%q is an option of a file system, and a bind mount makes none", o.bindData()[0])
		case o.copyUp:
			return notImplemented(field+".options", "tmpcopyup")
		}
	}
	return nil
}

func checkDevices(s *specs.Spec, _ namespaces) error {
	for i, d := range linux(s).Devices {
		field := fmt.Sprintf("linux.devices[%d]", i)
		if _, err := deviceKind(d); err != nil {
			return fmt.Errorf("%s.%w", field, err)
		}
		if !path.IsAbs(d.Path) || path.Clean(d.Path) == "/" {
			return invalid(field+".path", "%q is not an absolute path of a file", d.Path)
		}
		if d.Type != "p" && (d.Major < 0 || d.Minor < 0 || d.Major > 0xfff || d.Minor > 0xfffff) {
			return invalid(field+".major", "%d:%d is no device number", d.Major, d.Minor)
		}
	}
	return nil
}

func checkLinux(s *specs.Spec, ns namespaces) error {
	l := linux(s)
	_, knownPropagation := rootPropagation[l.RootfsPropagation]
	switch {
	case !knownPropagation:
		return invalid("linux.rootfsPropagation", "%q is no mount propagation", l.RootfsPropagation)
	case l.IntelRdt != nil:
		return notImplemented("linux.intelRdt", "Intel RDT")
	case l.MemoryPolicy != nil:
		return notImplemented("linux.memoryPolicy", "a NUMA memory policy")
	case l.Personality != nil && (l.Personality.Domain != specs.PerLinux || len(l.Personality.Flags) > 0):
		return notImplemented("linux.personality", "an execution domain other than LINUX")
	case len(l.NetDevices) > 0:
		return notImplemented("linux.netDevices", "moving network devices")
	case l.Seccomp != nil && l.Seccomp.ListenerPath != "":
		return notImplemented("linux.seccomp.listenerPath", "a seccomp agent")
	}
	if err := checkTime(l.TimeOffsets, ns); err != nil {
		return err
	}
	if err := checkMappings(l, ns); err != nil {
		return err
	}
	if err := cgroup.Check(l.Resources); err != nil {
		return fmt.Errorf("linux.resources: %w", err)
	}
	return nil
}

func checkMappings(l *specs.Linux, ns namespaces) error {
	if !ns.has(unix.CLONE_NEWUSER) {
		if len(l.UIDMappings) > 0 || len(l.GIDMappings) > 0 {
			return invalid("linux.uidMappings", "the container has no user namespace")
		}
		return nil
	}
	for _, m := range []struct {
		field string
		list  []specs.LinuxIDMapping
	}{{"linux.uidMappings", l.UIDMappings}, {"linux.gidMappings", l.GIDMappings}} {
		if hostID(m.list, 0) == overflowID || len(m.list) == 0 {
			return invalid(m.field, "the container's root is not mapped")
		}
	}
	return nil
}

func checkHooks(s *specs.Spec, ns namespaces) error {
	if s.Hooks == nil {
		return nil
	}
	for _, l := range []struct {
		kind  string
		hooks []specs.Hook
	}{
		{"prestart", prestart(s.Hooks)},
		{"createRuntime", s.Hooks.CreateRuntime},
		{"createContainer", s.Hooks.CreateContainer},
		{"startContainer", s.Hooks.StartContainer},
		{"poststart", s.Hooks.Poststart},
		{"poststop", s.Hooks.Poststop},
	} {
		for i, h := range l.hooks {
			field := fmt.Sprintf("hooks.%s[%d]", l.kind, i)
			if !path.IsAbs(h.Path) {
				return invalid(field+".path", "%q is not an absolute path", h.Path)
			}
			if h.Timeout != nil && *h.Timeout <= 0 {
				return invalid(field+".timeout", "%d is not above 0", *h.Timeout)
			}
		}
	}
	if len(s.Hooks.StartContainer) > 0 && ns.has(unix.CLONE_NEWUSER) {
		return notImplemented("hooks.startContainer", "a hook inside of a user namespace")
	}
	return nil
}
