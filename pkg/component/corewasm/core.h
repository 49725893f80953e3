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

// func_new makes a function that calls callHost with the address of a Go function, which stays where it is.
void func_new(void *context, const void *type, uintptr_t function, item *out);

failure instance_new(void *context, void *module, const item *imports, size_t n, instance *out);
bool instance_export(void *context, const instance *i, const char *name, size_t length, item *out);
failure func_call(void *context, const item *f, val *vals, size_t n);
view memory_view(void *context, const item *m);

// failure_text copies a message, which the caller frees, and consumes the failure.
char *failure_text(failure f);
