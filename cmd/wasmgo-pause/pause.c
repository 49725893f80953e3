// Command wasmgo-pause is the init of a pod: the process that holds the pod's namespaces as long as its containers come and go.
// It runs in the place of the image that the cluster has configured for it, of which nothing is executed.
//
// It is the other side of package handover, like the runner, as far as that concerns it: it needs nothing of what the shim tells, and
// installs no filter of the pod's, because its own allows less than any. It is C for its memory: a Go program that waits takes ten
// times as much, and there is one of these in every pod.

#define _GNU_SOURCE

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { HANDOVER = 3 }; // handover.SocketFD

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#endif

#define ALLOW(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

// confine leaves the calls that the rest of this file makes.
static int confine(void) {
	struct sock_filter program[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(__NR_read),
		ALLOW(__NR_write),
		ALLOW(__NR_close_range),
#ifdef __NR_pause
		ALLOW(__NR_pause),
#endif
		ALLOW(__NR_ppoll),
		ALLOW(__NR_restart_syscall),
		ALLOW(__NR_rt_sigreturn),
		ALLOW(__NR_exit_group),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog filter = {sizeof program / sizeof *program, program};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

// take reads n bytes of the handover and keeps up to four of them. It returns 0 if the shim has gone.
static int take(uint32_t n, unsigned char *kept) {
	static unsigned char buffer[4096];
	for (uint32_t done = 0; done < n;) {
		uint32_t most = n - done < sizeof buffer ? n - done : sizeof buffer;
		ssize_t got = read(HANDOVER, buffer, most);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return 0;
		for (ssize_t i = 0; i < got; i++, done++)
			if (kept != NULL && done < 4)
				kept[done] = buffer[i];
	}
	return 1;
}

static void end(int signal) {
	(void)signal;
	_exit(0);
}

int main(void) {
	static const unsigned char ready[] = "\0\0\0\2{}"; // handover.Ready, empty
	const struct sigaction ending = {.sa_handler = end}, ignored = {.sa_handler = SIG_IGN};
	prctl(PR_SET_NAME, "pause", 0, 0, 0);
	// The init of a pid namespace gets only the signals that it has asked for.
	sigaction(SIGTERM, &ending, NULL);
	sigaction(SIGINT, &ending, NULL);
	// In a pid namespace that the pod's containers share it inherits their orphans. The kernel does not keep the dead of those who
	// ignore their death.
	sigaction(SIGCHLD, &ignored, NULL);
	if (confine() != 0)
		return 1;

	unsigned char n[4];
	if (!take(4, n) || !take((uint32_t)n[0] << 24 | n[1] << 16 | n[2] << 8 | n[3], NULL))
		return 1;
	if (write(HANDOVER, ready, sizeof ready - 1) != sizeof ready - 1)
		return 1;
	if (!take(1, NULL)) // handover.Begin
		return 1;
	syscall(SYS_close_range, 0, ~0u, 0);
	for (;;)
		pause();
}
