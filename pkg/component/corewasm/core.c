// The library comes with wasmtime-go, whose headers no other package can include, so the prototypes and the structs with a public
// layout are repeated here, as in version 44 of wasmtime/{extern,func,instance,memory,store,trap,val}.h.

#include "core.h"
#include "interrupt.h"

#include <stdlib.h>
#include <string.h>

typedef struct wasm_functype wasm_functype_t;
typedef struct wasm_trap wasm_trap_t;
typedef struct wasm_valtype wasm_valtype_t;
typedef struct wasmtime_caller wasmtime_caller_t;
typedef struct wasmtime_error wasmtime_error_t;

typedef struct {
	size_t size;
	char *data;
} wasm_byte_vec_t;

typedef struct {
	size_t size;
	wasm_valtype_t **data;
} wasm_valtype_vec_t;

typedef wasm_trap_t *(*callback)(void *, wasmtime_caller_t *, val *, size_t);

extern wasm_valtype_t *wasm_valtype_new(uint8_t);
extern void wasm_valtype_vec_new_uninitialized(wasm_valtype_vec_t *, size_t);
extern wasm_functype_t *wasm_functype_new(wasm_valtype_vec_t *, wasm_valtype_vec_t *);
extern void wasm_functype_delete(wasm_functype_t *);
extern void wasm_byte_vec_delete(wasm_byte_vec_t *);
extern void wasm_trap_message(const wasm_trap_t *, wasm_byte_vec_t *);
extern void wasm_trap_delete(wasm_trap_t *);
extern wasm_trap_t *wasmtime_trap_new(const char *, size_t);
extern void wasmtime_error_message(const wasmtime_error_t *, wasm_byte_vec_t *);
extern void wasmtime_error_delete(wasmtime_error_t *);
extern void *wasmtime_store_new(void *, void *, void (*)(void *));
extern void *wasmtime_store_context(void *);
extern void wasmtime_store_limiter(void *, int64_t, int64_t, int64_t, int64_t, int64_t);
extern void wasmtime_store_delete(void *);
extern void wasmtime_config_wasm_exceptions_set(void *, bool);
extern void wasmtime_func_new_unchecked(void *, const wasm_functype_t *, callback, void *, void (*)(void *), void *);
extern wasmtime_error_t *wasmtime_func_call_unchecked(void *, const void *, val *, size_t, wasm_trap_t **);
extern wasmtime_error_t *wasmtime_instance_new(void *, const void *, const item *, size_t, instance *, wasm_trap_t **);
extern bool wasmtime_instance_export_get(void *, const instance *, const char *, size_t, item *);
extern uint8_t *wasmtime_memory_data(const void *, const void *);
extern size_t wasmtime_memory_data_size(const void *, const void *);

// callHost is Go's. It returns why to trap, or NULL.
extern char *callHost(void *function, val *vals, size_t n);

static wasm_trap_t *call_host(void *function, wasmtime_caller_t *caller, val *vals, size_t n) {
	(void)caller;
	char *failure = callHost(function, vals, n);
	if (failure == NULL)
		return NULL;
	wasm_trap_t *trap = wasmtime_trap_new(failure, strlen(failure));
	free(failure);
	return trap;
}

static void types(wasm_valtype_vec_t *out, const uint8_t *kinds, size_t n) {
	wasm_valtype_vec_new_uninitialized(out, n);
	for (size_t i = 0; i < n; i++)
		out->data[i] = wasm_valtype_new(kinds[i]);
}

void exceptions_set(void *config, bool on) { wasmtime_config_wasm_exceptions_set(config, on); }

void *type_new(const uint8_t *params, size_t nparams, const uint8_t *results, size_t nresults) {
	wasm_valtype_vec_t p, r;
	types(&p, params, nparams);
	types(&r, results, nresults);
	return wasm_functype_new(&p, &r);
}

void type_delete(void *type) { wasm_functype_delete(type); }

void *store_new(void *engine, limits most, int *flag, void **context) {
	void *store = wasmtime_store_new(engine, NULL, NULL);
	*context = wasmtime_store_context(store);
	const int64_t any = -1; // a component has as many instances, tables and memories as it says
	wasmtime_store_limiter(store, most.memory, most.table, any, any, any);
	if (flag != NULL)
		interrupt_watch(store, *context, flag);
	return store;
}

void store_delete(void *store) { wasmtime_store_delete(store); }

failure steps_take(void *context, const step *steps, size_t *done, size_t n, item *items, instance *instances,
                   const uint32_t *imports, item *given, const char *names) {
	for (; *done < n; ++*done) {
		const step *s = &steps[*done];
		failure f = {NULL, NULL};
		switch (s->what) {
		case STEP_FUNC:
			items[s->to].kind = 0;
			wasmtime_func_new_unchecked(context, (void *)s->object, call_host, (void *)s->host, NULL, items[s->to].of);
			break;
		case STEP_INSTANCE:
			for (uint32_t i = 0; i < s->count; i++)
				given[i] = items[imports[s->first + i]];
			f.error = wasmtime_instance_new(context, (void *)s->object, given, s->count, &instances[s->to], (wasm_trap_t **)&f.trap);
			break;
		case STEP_EXPORT:
			if (!wasmtime_instance_export_get(context, &instances[s->of], names + s->first, s->count, &items[s->to]))
				return f;
		}
		if (f.error != NULL || f.trap != NULL)
			return f;
	}
	return (failure){NULL, NULL};
}

failure func_call(void *context, const item *f, val *vals, size_t n) {
	wasm_trap_t *trap = NULL;
	wasmtime_error_t *error = wasmtime_func_call_unchecked(context, f->of, vals, n, &trap);
	return (failure){error, trap};
}

view memory_view(void *context, const item *m) {
	return (view){wasmtime_memory_data(context, m->of), wasmtime_memory_data_size(context, m->of)};
}

char *failure_text(failure f) {
	wasm_byte_vec_t message;
	if (f.error != NULL) {
		wasmtime_error_message(f.error, &message);
		wasmtime_error_delete(f.error);
	} else {
		wasm_trap_message(f.trap, &message);
		wasm_trap_delete(f.trap);
	}
	char *text = malloc(message.size + 1);
	if (text != NULL) {
		memcpy(text, message.data, message.size);
		text[message.size] = 0;
	}
	wasm_byte_vec_delete(&message);
	return text;
}
