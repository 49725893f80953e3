package runner

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	"github.com/opencontainers/runtime-spec/specs-go"
	seccomp "github.com/seccomp/libseccomp-golang"
)

// translate makes a filter of an OCI profile. An error names the field that cannot be honoured. The caller releases the filter.
func translate(p *specs.LinuxSeccomp) (_ *seccomp.ScmpFilter, err error) {
	if p.ListenerPath != "" {
		return nil, errors.New("listenerPath: seccomp notification is not supported")
	}
	fallback, err := action(p.DefaultAction, p.DefaultErrnoRet)
	if err != nil {
		return nil, fmt.Errorf("defaultAction: %w", err)
	}
	if err := checkFlags(p.Flags); err != nil {
		return nil, err
	}
	f, err := seccomp.NewFilter(fallback)
	if err != nil {
		return nil, fmt.Errorf("defaultAction %s: %w", p.DefaultAction, err)
	}
	defer func() {
		if err != nil {
			f.Release()
		}
	}()
	for _, a := range p.Architectures {
		name, ok := strings.CutPrefix(string(a), "SCMP_ARCH_")
		arch, err := seccomp.GetArchFromString(strings.ToLower(name))
		if !ok || err != nil {
			return nil, fmt.Errorf("architectures: %q is unknown", a)
		}
		if err := f.AddArch(arch); err != nil {
			return nil, fmt.Errorf("architectures: %s: %w", a, err)
		}
	}
	for i, s := range p.Syscalls {
		if err := addSyscall(f, s, fallback); err != nil {
			return nil, fmt.Errorf("syscalls[%d] (%s): %w", i, strings.Join(s.Names, ", "), err)
		}
	}
	if err := admitThreads(f, p); err != nil {
		return nil, err
	}
	// A tree instead of a list. An old kernel or library does without.
	_ = f.SetOptimize(2)
	return f, nil
}

// admitThreads answers clone3 with "no such call" where a profile that forbids by default does not mention it: profiles of
// before 2021 do not know it, and the C library starts threads by clone only if told that. runc does the same for all calls
// newer than a profile.
func admitThreads(f *seccomp.ScmpFilter, p *specs.LinuxSeccomp) error {
	const name = "clone3"
	if p.DefaultAction != specs.ActErrno || p.DefaultErrnoRet != nil && *p.DefaultErrnoRet == uint(syscall.ENOSYS) ||
		slices.ContainsFunc(p.Syscalls, func(s specs.LinuxSyscall) bool { return slices.Contains(s.Names, name) }) {
		return nil
	}
	call, err := seccomp.GetSyscallFromName(name)
	if err != nil {
		return fmt.Errorf("look up %s: %w", name, err)
	}
	if err := f.AddRule(call, seccomp.ActErrno.SetReturnCode(int16(syscall.ENOSYS))); err != nil {
		return fmt.Errorf("answer %s: %w", name, err)
	}
	return nil
}

// checkFlags accepts the flags of seccomp(2) there are. TSYNC and SPEC_ALLOW are always set. The two others have no effect here:
// LOG makes the kernel's log fuller, WAIT_KILLABLE_RECV is for notification.
func checkFlags(flags []specs.LinuxSeccompFlag) error {
	for _, f := range flags {
		switch f {
		case "SECCOMP_FILTER_FLAG_TSYNC", specs.LinuxSeccompFlagSpecAllow, specs.LinuxSeccompFlagLog, specs.LinuxSeccompFlagWaitKillableRecv:
		default:
			return fmt.Errorf("flags: %q is unknown", f)
		}
	}
	return nil
}

// action translates an OCI action with its errno.
func action(a specs.LinuxSeccompAction, errno *uint) (seccomp.ScmpAction, error) {
	code := int16(syscall.EPERM)
	if errno != nil {
		const most = 4095 // MAX_ERRNO: the kernel cuts off what is more
		if *errno > most {
			return 0, fmt.Errorf("errno %d is more than %d", *errno, most)
		}
		code = int16(*errno)
	}
	switch a {
	// What is one process to the user is several threads here; killing one would leave the others waiting for it.
	case specs.ActKill, specs.ActKillThread, specs.ActKillProcess:
		return seccomp.ActKillProcess, nil
	case specs.ActTrap:
		return seccomp.ActTrap, nil
	case specs.ActErrno:
		return seccomp.ActErrno.SetReturnCode(code), nil
	case specs.ActTrace:
		return seccomp.ActTrace.SetReturnCode(code), nil
	case specs.ActAllow:
		return seccomp.ActAllow, nil
	case specs.ActLog:
		return seccomp.ActLog, nil
	case specs.ActNotify:
		return 0, fmt.Errorf("action %s is not supported", a)
	default:
		return 0, fmt.Errorf("action %q is unknown", a)
	}
}

func addSyscall(f *seccomp.ScmpFilter, s specs.LinuxSyscall, fallback seccomp.ScmpAction) error {
	act, err := action(s.Action, s.ErrnoRet)
	if err != nil {
		return err
	}
	if len(s.Names) == 0 {
		return errors.New("no names")
	}
	if act == fallback {
		return nil // libseccomp refuses rules that change nothing
	}
	alternatives, err := conditions(s.Args)
	if err != nil {
		return err
	}
	for _, name := range s.Names {
		call, err := seccomp.GetSyscallFromName(name)
		if err != nil {
			continue // not a call of this architecture, or newer than our libseccomp: profiles list more than any machine has
		}
		if len(alternatives) == 0 {
			if err := f.AddRule(call, act); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		for _, all := range alternatives {
			if err := f.AddRuleConditional(call, act, all); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// conditions are the alternatives under which a rule holds, each a list of comparisons that have to hold together. libseccomp
// takes one comparison for each argument; of several on one argument any is enough, as runc has it.
func conditions(args []specs.LinuxSeccompArg) ([][]seccomp.ScmpCondition, error) {
	if len(args) == 0 {
		return nil, nil
	}
	var all []seccomp.ScmpCondition
	seen := map[uint]int{}
	for i, a := range args {
		op, ok := operators[a.Op]
		if !ok {
			return nil, fmt.Errorf("args[%d]: operator %q is unknown", i, a.Op)
		}
		values := []uint64{a.Value}
		if op == seccomp.CompareMaskedEqual {
			values = append(values, a.ValueTwo)
		}
		c, err := seccomp.MakeCondition(a.Index, op, values...)
		if err != nil {
			return nil, fmt.Errorf("args[%d]: %w", i, err)
		}
		all = append(all, c)
		seen[a.Index]++
	}
	if len(seen) == len(args) {
		return [][]seccomp.ScmpCondition{all}, nil
	}
	var either [][]seccomp.ScmpCondition
	for _, c := range all {
		either = append(either, []seccomp.ScmpCondition{c})
	}
	return either, nil
}

var operators = map[specs.LinuxSeccompOperator]seccomp.ScmpCompareOp{
	specs.OpNotEqual:     seccomp.CompareNotEqual,
	specs.OpLessThan:     seccomp.CompareLess,
	specs.OpLessEqual:    seccomp.CompareLessOrEqual,
	specs.OpEqualTo:      seccomp.CompareEqual,
	specs.OpGreaterEqual: seccomp.CompareGreaterEqual,
	specs.OpGreaterThan:  seccomp.CompareGreater,
	specs.OpMaskedEqual:  seccomp.CompareMaskedEqual,
}
