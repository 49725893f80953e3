// What interrupt.c offers to this package's Go files and to core.c.

// interrupt_new makes a flag, which interrupt_free frees.
int *interrupt_new(void);
void interrupt_free(int *flag);

// interrupt_watch has the code of a store stop when the flag is set and the engine's epoch has gone on. The flag outlives the store. The
// arguments are a wasmtime_store_t and its wasmtime_context_t.
void interrupt_watch(void *store, void *context, int *flag);

void interrupt_set(int *flag);
