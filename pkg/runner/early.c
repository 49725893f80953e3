#define _GNU_SOURCE

#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// What has to be done before Go's runtime has started threads and opened files of its own.
__attribute__((constructor)) static void early(int argc, char **argv) {
	const char *mode = getenv("WASMGO_RUNNER");
	if (mode == NULL || strcmp(mode, "guest") != 0)
		return;
	// Package handover says what we are born with: 0 to 4. A directory of the host left open by whoever started us would be a way
	// out of the container (CVE-2024-21626), so what else there is goes. A kernel before 5.9 has no such call; there we rely on
	// the shim, which leaves nothing open.
	syscall(SYS_close_range, 5, UINT_MAX, 0);
	// Half a dozen threads that each allocate next to nothing need no arena each: 128 MiB of addresses to set up and some pages
	// to touch.
	mallopt(M_ARENA_MAX, 1);
	// To top, ps and the kernel's log of killed processes the guest goes by its own name, as a native program would.
	if (argc > 0) {
		const char *slash = strrchr(argv[0], '/');
		prctl(PR_SET_NAME, slash != NULL ? slash + 1 : argv[0], 0, 0, 0);
	}
}
