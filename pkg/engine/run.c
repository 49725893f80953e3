// The few calls of Wasmtime's C API that wasmtime-go has no door to. The library comes with wasmtime-go, whose headers no other
// package can include, so the prototypes and the three structs with a public layout are repeated here, as in version 44 of
// wasmtime/{async,extern,func,instance,linker,val}.h.

#include "run.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct wasm_config wasm_config_t;
typedef struct wasm_functype wasm_functype_t;
typedef struct wasm_trap wasm_trap_t;
typedef struct wasm_valtype wasm_valtype_t;
typedef struct wasmtime_caller wasmtime_caller_t;
typedef struct wasmtime_context wasmtime_context_t;
typedef struct wasmtime_error wasmtime_error_t;
typedef struct wasmtime_instance_pre wasmtime_instance_pre_t;
typedef struct wasmtime_linker wasmtime_linker_t;
typedef struct wasmtime_module wasmtime_module_t;

typedef struct {
	size_t size;
	char *data;
} wasm_byte_vec_t;

typedef struct {
	size_t size;
	wasm_valtype_t **data;
} wasm_valtype_vec_t;

typedef union {
	int32_t i32;
	int64_t i64;
	uint8_t v128[16];
} wasmtime_val_raw_t;

typedef struct {
	uint64_t store_id;
	void *private;
} wasmtime_func_t;

typedef struct {
	uint64_t store_id;
	size_t private;
} wasmtime_instance_t;

typedef struct {
	uint8_t kind; // 0 is a function
	union {
		wasmtime_func_t func;
		uint64_t widest[3]; // a global
	} of;
} wasmtime_extern_t;

typedef wasm_trap_t *(*wasmtime_func_unchecked_callback_t)(void *, wasmtime_caller_t *, wasmtime_val_raw_t *, size_t);

void wasmtime_config_max_wasm_stack_set(wasm_config_t *, size_t);
void wasmtime_config_async_stack_size_set(wasm_config_t *, uint64_t);
wasm_valtype_t *wasm_valtype_new(uint8_t);
void wasm_valtype_vec_new(wasm_valtype_vec_t *, size_t, wasm_valtype_t *const[]);
void wasm_valtype_vec_new_empty(wasm_valtype_vec_t *);
wasm_functype_t *wasm_functype_new(wasm_valtype_vec_t *, wasm_valtype_vec_t *);
void wasm_functype_delete(wasm_functype_t *);
void wasm_byte_vec_delete(wasm_byte_vec_t *);
void wasm_trap_message(const wasm_trap_t *, wasm_byte_vec_t *);
void wasm_trap_delete(wasm_trap_t *);
void wasmtime_error_message(const wasmtime_error_t *, wasm_byte_vec_t *);
void wasmtime_error_delete(wasmtime_error_t *);
void wasmtime_linker_allow_shadowing(wasmtime_linker_t *, bool);
wasmtime_error_t *wasmtime_linker_define_func_unchecked(wasmtime_linker_t *, const char *, size_t, const char *, size_t,
                                                        const wasm_functype_t *, wasmtime_func_unchecked_callback_t, void *,
                                                        void (*)(void *));
wasmtime_error_t *wasmtime_linker_instantiate_pre(const wasmtime_linker_t *, const wasmtime_module_t *,
                                                  wasmtime_instance_pre_t **);
wasmtime_error_t *wasmtime_instance_pre_instantiate(const wasmtime_instance_pre_t *, wasmtime_context_t *,
                                                    wasmtime_instance_t *, wasm_trap_t **);
bool wasmtime_instance_export_get(wasmtime_context_t *, const wasmtime_instance_t *, const char *, size_t,
                                  wasmtime_extern_t *);
wasmtime_error_t *wasmtime_func_call_unchecked(wasmtime_context_t *, const wasmtime_func_t *, wasmtime_val_raw_t *, size_t,
                                               wasm_trap_t **);

void stack_set(void *config, size_t guest, size_t asynchronous) {
	wasmtime_config_async_stack_size_set(config, asynchronous);
	wasmtime_config_max_wasm_stack_set(config, guest);
}

// proc_exit ends the process with the low eight bits, as exit(3) does on Linux. Nothing is left to flush: Wasmtime's WASI
// writes through, files and standard streams alike.
static wasm_trap_t *proc_exit(void *env, wasmtime_caller_t *caller, wasmtime_val_raw_t *args, size_t n) {
	(void)env, (void)caller, (void)n;
	_exit(args[0].i32 & 0xff);
}

void *proc_exit_define(void *linker) {
	static const char module[] = "wasi_snapshot_preview1", name[] = "proc_exit";
	wasm_valtype_t *i32 = wasm_valtype_new(0);
	wasm_valtype_vec_t params, results;
	wasm_valtype_vec_new(&params, 1, &i32);
	wasm_valtype_vec_new_empty(&results);
	wasm_functype_t *type = wasm_functype_new(&params, &results);
	wasmtime_linker_allow_shadowing(linker, true);
	wasmtime_error_t *error = wasmtime_linker_define_func_unchecked(linker, module, sizeof module - 1, name, sizeof name - 1,
	                                                                type, proc_exit, NULL, NULL);
	wasm_functype_delete(type);
	return error;
}

void *instance_pre_new(void *linker, void *module, void **pre) {
	return wasmtime_linker_instantiate_pre(linker, module, (wasmtime_instance_pre_t **)pre);
}

struct run {
	wasmtime_instance_pre_t *pre;
	wasmtime_context_t *context;
	bool initialize;
	const char *entry;
	size_t entry_length;
	struct outcome outcome;
};

// call calls an export that takes and returns nothing; that it exists and is such a function has been checked on the module.
static bool call(struct run *run, const wasmtime_instance_t *instance, const char *name, size_t length) {
	wasmtime_extern_t export;
	wasmtime_val_raw_t none;
	wasm_trap_t *trap = NULL;
	if (!wasmtime_instance_export_get(run->context, instance, name, length, &export) || export.kind != 0)
		abort();
	run->outcome.error = wasmtime_func_call_unchecked(run->context, &export.of.func, &none, 0, &trap);
	run->outcome.trap = trap;
	return run->outcome.error == NULL && trap == NULL;
}

static void *thread(void *argument) {
	struct run *run = argument;
	wasmtime_instance_t instance;
	wasm_trap_t *trap = NULL;
	run->outcome.stage = STAGE_INSTANTIATE;
	run->outcome.error = wasmtime_instance_pre_instantiate(run->pre, run->context, &instance, &trap);
	run->outcome.trap = trap;
	if (run->outcome.error != NULL || trap != NULL)
		return NULL;
	if (run->initialize) {
		static const char initialize[] = "_initialize";
		run->outcome.stage = STAGE_INITIALIZE;
		if (!call(run, &instance, initialize, sizeof initialize - 1))
			return NULL;
	}
	run->outcome.stage = STAGE_ENTRY;
	if (call(run, &instance, run->entry, run->entry_length))
		run->outcome.stage = STAGE_RETURNED;
	return NULL;
}

struct outcome guest_run(void *pre, void *context, bool initialize, const char *entry, size_t entry_length, size_t stack) {
	struct run run = {
		.pre = pre,
		.context = context,
		.initialize = initialize,
		.entry = entry,
		.entry_length = entry_length,
	};
	pthread_attr_t attributes;
	pthread_t id;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, stack);
	run.outcome.thread = pthread_create(&id, &attributes, thread, &run);
	pthread_attr_destroy(&attributes);
	if (run.outcome.thread == 0)
		pthread_join(id, NULL);
	return run.outcome;
}

static char *text_of(wasm_byte_vec_t *message) {
	char *text = calloc(1, message->size + 1);
	if (text != NULL)
		memcpy(text, message->data, message->size);
	wasm_byte_vec_delete(message);
	return text;
}

char *error_text(void *error) {
	wasm_byte_vec_t message;
	wasmtime_error_message(error, &message);
	wasmtime_error_delete(error);
	return text_of(&message);
}

char *trap_text(void *trap) {
	wasm_byte_vec_t message;
	wasm_trap_message(trap, &message);
	wasm_trap_delete(trap);
	return text_of(&message);
}
