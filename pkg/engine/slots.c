// As in run.c, prototypes of version 44 of wasmtime/{config,error}.h.

#define _GNU_SOURCE

#include "slots.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct wasm_config wasm_config_t;
typedef struct wasm_memorytype wasm_memorytype_t;
typedef struct wasmtime_error wasmtime_error_t;

typedef struct {
	void *env;
	uint8_t *(*get_memory)(void *, size_t *, size_t *);
	wasmtime_error_t *(*grow_memory)(void *, size_t);
	void (*finalizer)(void *);
} linear_memory;

typedef struct {
	void *env;
	wasmtime_error_t *(*new_memory)(void *, const wasm_memorytype_t *, size_t, size_t, size_t, size_t, linear_memory *);
	void (*finalizer)(void *);
} memory_creator;

wasmtime_error_t *wasmtime_error_new(const char *);
void wasmtime_config_host_memory_creator_set(wasm_config_t *, memory_creator *);

enum {
	RANGES = 8,        // of pages that are kept, at most
	KEPT = 32,         // pages that are kept, at most
	LOOKED_AT = 16384, // pages at the beginning of a memory, among which those that are kept are looked for
	PERIOD = 4096,     // uses of a slot after which it is looked anew
	WARM = 16,         // slots that keep their pages while nobody uses them
};

// A range of bytes of a memory.
typedef struct {
	size_t at, size;
} range;

// A slot is room for one linear memory. Between two of them all bytes are zero that can be read or written.
//
//	guard | size: can be read and written | up to reserved: cannot | guard
typedef struct slot {
	struct slots *of;
	struct slot *next;
	uint8_t *base;
	size_t size; // multiples of pages, as all sizes are
	size_t reserved, guard;
	unsigned uses;
	bool looks; // which pages the guest has touched is to be seen at its end
	range kept[RANGES];
	int nkept;
} slot;

// Slots are those of one engine.
typedef struct slots {
	size_t page;
	pthread_mutex_t mu;
	slot *free; // guarded by mu; the last used first, for its pages are warm
	int nfree;  // guarded by mu
} slots;

static void unmap(slot *s) {
	munmap(s->base - s->guard, s->guard + s->reserved + s->guard);
	free(s);
}

static wasmtime_error_t *failed(const char *what) {
	char text[128];
	snprintf(text, sizeof text, "%s: %s", what, strerror(errno));
	return wasmtime_error_new(text);
}

// resize makes the first size bytes, and no others, ones that can be read and written.
static int resize(slot *s, size_t size) {
	int failure = 0;
	if (size > s->size)
		failure = mprotect(s->base + s->size, size - s->size, PROT_READ | PROT_WRITE);
	else if (size < s->size)
		failure = mprotect(s->base + size, s->size - size, PROT_NONE);
	if (failure == 0)
		s->size = size;
	return failure;
}

// look notes which pages there are, as those that the next guest is likely to touch as well. It is a guess that costs time if it is wrong,
// and nothing else: forget does not rely on it.
static void look(slot *s) {
	unsigned char there[LOOKED_AT];
	size_t page = s->of->page, pages = s->size / page;
	if (pages > LOOKED_AT)
		pages = LOOKED_AT;
	s->nkept = 0;
	if (pages == 0 || mincore(s->base, pages * page, there) != 0)
		return;
	int kept = 0;
	for (size_t i = 0; i < pages && kept < KEPT; i++) {
		if ((there[i] & 1) == 0)
			continue;
		range *last = s->nkept > 0 ? &s->kept[s->nkept - 1] : NULL;
		if (last != NULL && last->at + last->size == i * page)
			last->size += page;
		else if (s->nkept < RANGES)
			s->kept[s->nkept++] = (range){i * page, page};
		else
			break;
		kept++;
	}
}

// forget makes all bytes zero: those of the pages that are kept by writing, all others by giving their pages back to the kernel, whether
// there are any or not. For pages that there are not that is quick, and no other processor needs to hear of it.
static int forget(slot *s, bool keep) {
	size_t at = 0;
	for (int i = 0; keep && i < s->nkept && s->kept[i].at < s->size; i++) {
		range k = s->kept[i];
		if (k.size > s->size - k.at)
			k.size = s->size - k.at;
		memset(s->base + k.at, 0, k.size);
		if (k.at > at && madvise(s->base + at, k.at - at, MADV_DONTNEED) != 0)
			return -1;
		at = k.at + k.size;
	}
	return at < s->size ? madvise(s->base + at, s->size - at, MADV_DONTNEED) : 0;
}

static uint8_t *get_memory(void *env, size_t *size, size_t *capacity) {
	slot *s = env;
	*size = s->size;
	*capacity = s->reserved;
	return s->base;
}

static wasmtime_error_t *grow_memory(void *env, size_t size) {
	slot *s = env;
	if (size > s->reserved) {
		errno = ENOMEM;
		return failed("a linear memory beyond what is reserved for it");
	}
	return resize(s, size) == 0 ? NULL : failed("grow a linear memory");
}

// release is the end of a guest's memory. A slot that cannot be made as it was is given up.
static void release(void *env) {
	slot *s = env;
	slots *of = s->of;
	if (s->looks)
		look(s);
	s->looks = s->uses % PERIOD == 0; // after this use nothing is kept, and the next guest's pages can be told from older ones
	pthread_mutex_lock(&of->mu);
	bool warm = of->nfree < WARM;
	pthread_mutex_unlock(&of->mu);
	if (forget(s, warm && !s->looks) != 0) {
		unmap(s);
		return;
	}
	pthread_mutex_lock(&of->mu);
	s->next = of->free;
	of->free = s;
	of->nfree++;
	pthread_mutex_unlock(&of->mu);
}

static slot *map(slots *of, size_t reserved, size_t guard) {
	slot *s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	void *p = mmap(NULL, guard + reserved + guard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED) {
		free(s);
		return NULL;
	}
	*s = (slot){.of = of, .base = (uint8_t *)p + guard, .reserved = reserved, .guard = guard, .looks = true};
	return s;
}

static slot *take(slots *of, size_t reserved, size_t guard) {
	pthread_mutex_lock(&of->mu);
	slot *s = of->free;
	if (s != NULL) {
		of->free = s->next;
		of->nfree--;
	}
	pthread_mutex_unlock(&of->mu);
	if (s != NULL && s->reserved == reserved && s->guard == guard)
		return s;
	if (s != NULL)
		unmap(s);
	return map(of, reserved, guard);
}

static wasmtime_error_t *new_memory(void *env, const wasm_memorytype_t *type, size_t minimum, size_t maximum, size_t reserved,
                                    size_t guard, linear_memory *out) {
	(void)type, (void)maximum;
	if (reserved < minimum)
		reserved = minimum;
	slot *s = take(env, reserved, guard);
	if (s == NULL)
		return failed("reserve addresses for a linear memory");
	if (resize(s, minimum) != 0) {
		wasmtime_error_t *e = failed("make a linear memory");
		unmap(s);
		return e;
	}
	s->uses++;
	*out = (linear_memory){s, get_memory, grow_memory, release};
	return NULL;
}

void slots_set(void *config) {
	slots *of = calloc(1, sizeof *of);
	if (of == NULL)
		abort();
	of->page = (size_t)sysconf(_SC_PAGESIZE);
	pthread_mutex_init(&of->mu, NULL);
	memory_creator c = {of, new_memory, NULL}; // the slots live as long as the process, as an engine does
	wasmtime_config_host_memory_creator_set(config, &c);
}
