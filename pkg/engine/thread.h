// What thread.c offers to this package's Go files.

#include <stddef.h>
#include <stdint.h>

// thread_run calls callThread, which is Go's, with handle on a new thread with a stack of the given size, and waits. It returns the errno
// of pthread_create.
int thread_run(uintptr_t handle, size_t stack);
