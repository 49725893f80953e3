#define _GNU_SOURCE

#include <pthread.h>

// What a guest's calls may use (8 MiB, guestStack of package engine), and what is left for host functions and signal handlers.
enum { STACK = 10 << 20 };

// early has all threads that Go makes have a stack that is large enough for a guest, whatever RLIMIT_STACK says. It is called before Go's
// runtime makes the first one. Only addresses are reserved.
__attribute__((constructor)) static void early(void) {
	pthread_attr_t attr;
	if (pthread_attr_init(&attr) != 0)
		return;
	pthread_attr_setstacksize(&attr, STACK);
	pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
}
