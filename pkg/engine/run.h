// What run.c offers to this package's Go files. The pointers are Wasmtime's own objects, named in the comments.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// stack_set bounds the guest's stack in bytes; asynchronous, which we do not use, has to be at least as much.
void stack_set(void *config /* wasm_config_t */, size_t guest, size_t asynchronous);

// proc_exit_define puts our proc_exit in place of Wasmtime's, which refuses the codes from 126 up.
void *proc_exit_define(void *linker /* wasmtime_linker_t */);

// instance_pre_new checks all imports against the linker. It returns a wasmtime_error_t, or NULL and *pre.
void *instance_pre_new(void *linker, void *module /* wasmtime_module_t */, void **pre);

// outcome is how a guest's run ended; at most one of error and trap is set.
struct outcome {
	int stage;   // how far it came, enum stage
	void *error; // wasmtime_error_t
	void *trap;  // wasm_trap_t
	int thread;  // errno of pthread_create
};

enum stage { STAGE_NONE, STAGE_INSTANTIATE, STAGE_INITIALIZE, STAGE_ENTRY, STAGE_RETURNED };

// guest_run instantiates pre, calls the export _initialize if initialize is set, then the export entry, on a new thread with
// a stack of the given size, and waits.
struct outcome guest_run(void *pre, void *context /* wasmtime_context_t */, bool initialize, const char *entry,
                         size_t entry_length, size_t stack);

// error_text and trap_text copy a message; the caller frees it. Both consume what they are given.
char *error_text(void *error);
char *trap_text(void *trap);
