// Package vm runs this project's root tests on hosts of the kinds that the machine itself is not: cgroup v2 alone, v2
// under systemd, and v1 under systemd with v2 beside it; and a real containerd with the shim on the first. It boots Debian's cloud kernel under qemu, in software (no /dev/kvm is needed, and none is used),
// with everything in an initramfs, and reads the results off the serial console.
//
//	host                                       machine
//	----                                       -------
//	go test -c of each package         ──▶     /test/<package>/test
//	busybox, modules, systemd's root   ──▶     the rest of the file system
//	qemu -kernel -initrd               ──▶     /init: mounts, then /test/run (as pid 1, or as a systemd service)
//	reads the serial console           ◀──     "@@ begin <package>", the verbose output, "@@ end <package> <status>"
//	waits for qemu, kills it late      ◀──     "@@ done", power off
//
// What is needed from outside (qemu, a kernel, busybox, systemd) is fetched by install.sh into build/vm, once; without it the
// tests are skipped and say so.
package vm
