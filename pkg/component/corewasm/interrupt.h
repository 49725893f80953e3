// What interrupt.c offers to this package's Go files.

// interrupt_new makes a flag that stops the code of a store when it is set and the engine's epoch has gone on. The flag goes with the
// store. The arguments are a wasmtime_store_t and its wasmtime_context_t.
int *interrupt_new(void *store, void *context);

void interrupt_set(int *flag);
