package runner

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_X86_64
	// foreignNumbers begin the x32 calls, which come under the same architecture.
	foreignNumbers = 0x40000000
)

var deniedByArch = []rule{
	{number: unix.SYS_FORK},
	{number: unix.SYS_VFORK},
	{number: unix.SYS_MKNOD},
	{number: unix.SYS_IOPL},
	{number: unix.SYS_IOPERM},
	{number: unix.SYS_MODIFY_LDT},
	{number: unix.SYS_USELIB},
	{number: unix.SYS_USTAT},
	{number: unix.SYS_SYSFS},
}

var workerCallsByArch = []uint32{unix.SYS_ARCH_PRCTL}
