#include "confine.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int install(const struct sock_filter *program, size_t n) {
	struct sock_fprog filter = {.len = n, .filter = (struct sock_filter *)program};
	// TSYNC gives every thread the filter and no_new_privs with it. SPEC_ALLOW, as runc does without flags in the profile:
	// kernels before 5.16 would otherwise slow the guest's code down to guard against store bypass.
	unsigned flags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW;
	long r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
	if (r < 0 && errno == EINVAL)
		r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
	if (r < 0)
		return errno;
	return r == 0 ? 0 : ESRCH; // the id of a thread that could not be brought along
}

struct confined confine(const void *programs, const size_t *lengths, size_t n) {
	const struct sock_filter *program = programs;
	// A matter of this one thread until the first program spreads it, hence one call from Go for all.
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return (struct confined){.error = errno};
	for (size_t i = 0; i < n; i++) {
		int error = install(program, lengths[i]);
		if (error != 0)
			return (struct confined){.error = error, .program = i};
		program += lengths[i];
	}
	return (struct confined){0};
}
