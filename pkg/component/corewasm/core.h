// What core.c offers to this package's Go files. The pointers are Wasmtime's own objects, named in the comments.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// val is a wasmtime_val_raw_t: 16 bytes, of which the type says how many mean something.
typedef struct {
	uint64_t lo, hi;
} val;

// item is a wasmtime_extern_t.
typedef struct {
	uint8_t kind;
	uint64_t of[3];
} item;

// instance is a wasmtime_instance_t.
typedef struct {
	uint64_t store_id;
	size_t private;
} instance;

// failure is how a call ended badly; at most one is set.
typedef struct {
	void *error; // wasmtime_error_t
	void *trap;  // wasm_trap_t
} failure;

// view is a linear memory as it is now.
typedef struct {
	uint8_t *data;
	size_t size;
} view;

// exceptions_set turns exceptions on or off in a wasm_config_t.
void exceptions_set(void *config, bool on);

// type_new makes a wasm_functype_t of kinds that are those of wasm_valkind_t.
void *type_new(const uint8_t *params, size_t nparams, const uint8_t *results, size_t nresults);
void type_delete(void *type);

// limits are those of a store; -1 is none.
typedef struct {
	int64_t memory; // bytes of each linear memory
	int64_t table;  // elements of each table
} limits;

// store_new makes a wasmtime_store_t. flag is interrupt_new's, or NULL.
void *store_new(void *engine, limits most, int *flag, void **context);
void store_delete(void *store);

// step is something to make in a store.
typedef struct {
	uintptr_t object; // of a function its type, of an instance its module
	uintptr_t host;   // of a function, where Go has it: callHost is called with that
	uint32_t what;
	uint32_t to;           // an item, or an instance, that is made
	uint32_t of;           // of an export, the instance
	uint32_t first, count; // of an instance, its imports; of an export, its name
} step;

enum { STEP_FUNC, STEP_INSTANCE, STEP_EXPORT };

// steps_take takes the steps from *done on, up to n, and counts them in it. If that is less than n without a failure, the next one is an
// export that there is not. given has room for the imports of any of the instances.
failure steps_take(void *context, const step *steps, size_t *done, size_t n, item *items, instance *instances,
                   const uint32_t *imports, item *given, const char *names);

failure func_call(void *context, const item *f, val *vals, size_t n);
view memory_view(void *context, const item *m);

// failure_text copies a message, which the caller frees, and consumes the failure.
char *failure_text(failure f);
