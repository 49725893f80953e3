package runner

import "golang.org/x/sys/unix"

const (
	auditArch      = unix.AUDIT_ARCH_AARCH64
	foreignNumbers = 0 // none
)

var deniedByArch []rule

var workerCallsByArch []uint32
