// As in core.c, prototypes of version 44 of wasmtime/{error,store}.h.

#include "interrupt.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct wasmtime_error wasmtime_error_t;

typedef wasmtime_error_t *(*reached)(void *, void *, uint64_t *, uint8_t *);

extern wasmtime_error_t *wasmtime_error_new(const char *);
extern void wasmtime_context_set_epoch_deadline(void *, uint64_t);
extern void wasmtime_store_epoch_deadline_callback(void *, reached, void *, void (*)(void *));

// look is called in the code's thread each time the epoch goes on.
static wasmtime_error_t *look(void *context, void *flag, uint64_t *next, uint8_t *kind) {
	(void)context, (void)kind; // 0: go on
	if (atomic_load((_Atomic int *)flag))
		return wasmtime_error_new("interrupted");
	*next = 1;
	return NULL;
}

int *interrupt_new(void) {
	int *flag = calloc(1, sizeof *flag);
	if (flag == NULL)
		abort();
	return flag;
}

void interrupt_free(int *flag) { free(flag); }

void interrupt_watch(void *store, void *context, int *flag) {
	wasmtime_context_set_epoch_deadline(context, 1);
	wasmtime_store_epoch_deadline_callback(store, look, flag, NULL);
}

void interrupt_set(int *flag) { atomic_store((_Atomic int *)flag, 1); }
