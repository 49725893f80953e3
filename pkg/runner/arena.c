#include <malloc.h>
#include <stdlib.h>
#include <string.h>

// A guest's process has half a dozen threads that each allocate next to nothing. One arena for all saves each its own, which
// would be 128 MiB of addresses to set up and some pages to touch. It has to be said before Go's runtime starts threads. The
// compile worker does allocate from several threads.
__attribute__((constructor)) static void arena(void) {
	const char *mode = getenv("WASMGO_RUNNER");
	if (mode != NULL && strcmp(mode, "guest") == 0)
		mallopt(M_ARENA_MAX, 1);
}
