// An allocator for one thread and objects as Python makes them: many, small, short-lived.
//
// CPython is built for WASI without pymalloc, its own allocator of small objects, and asks the C library for each. This one keeps a
// list of free blocks for each size, so that malloc and free are a few instructions. A page of 64 KiB holds blocks of one size;
// size_of says which, by the page's number, so that a block needs no header. Memory is never given back, WASI has no way to.

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
	page = 65536,     // bytes, WebAssembly's own
	pages = 65536,    // of them in 4 GiB
	step = 16,        // between small sizes, and the alignment of every block
	small = 512,      // bytes; up to here sizes are multiples of step
	smalls = small / step,
	middles = 12,     // above: 768, 1024, 1536 ... 32768 bytes
	classes = 1 + smalls + middles, // 0 is none
	orders = 17,      // larger still: runs of a power of two of pages
};

struct block { struct block *next; };

static struct { struct block *free; char *fresh, *end; } class[classes];
static struct block *runs[orders];
static uint8_t class_of[pages]; // of the blocks in a page; 0 where a run is
static uint8_t order_of[pages]; // of the run that begins at a page

static size_t class_size(unsigned c)
{
	if (c <= smalls)
		return c * step;
	c -= smalls + 1;
	return c % 2 ? (size_t)1 << (c / 2 + 10) : (size_t)3 << (c / 2 + 8);
}

static unsigned size_class(size_t size)
{
	if (size <= small)
		return size ? (size + step - 1) / step : 1;
	unsigned top = 31 - __builtin_clz(size - 1);
	return smalls + 1 + 2 * (top - 9) + (size > (size_t)3 << (top - 1));
}

static void *out_of_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

static char *grow(size_t count)
{
	size_t at = __builtin_wasm_memory_grow(0, count);
	return at == SIZE_MAX ? NULL : (char *)(at * page);
}

__attribute__((noinline)) static void *next_page(unsigned c)
{
	char *p = grow(1);
	if (!p)
		return out_of_memory();
	size_t size = class_size(c);
	class_of[(uintptr_t)p / page] = c;
	class[c].fresh = p + size;
	class[c].end = p + page / size * size;
	return p;
}

__attribute__((noinline)) static void *large(size_t size)
{
	if (size > (size_t)1 << 31)
		return out_of_memory();
	size_t count = (size + page - 1) / page;
	unsigned order = count <= 1 ? 0 : 32 - __builtin_clz(count - 1);
	struct block *b = runs[order];
	if (b) {
		runs[order] = b->next;
		return b;
	}
	char *p = grow((size_t)1 << order);
	if (!p)
		return out_of_memory();
	order_of[(uintptr_t)p / page] = order;
	return p;
}

void *malloc(size_t size)
{
	if (__builtin_expect(size > page / 2, 0))
		return large(size);
	unsigned c = size_class(size);
	struct block *b = class[c].free;
	if (__builtin_expect(b != NULL, 1)) {
		class[c].free = b->next;
		return b;
	}
	char *p = class[c].fresh;
	if (p == class[c].end)
		return next_page(c);
	class[c].fresh = p + class_size(c);
	return p;
}

void free(void *p)
{
	if (!p)
		return;
	uintptr_t at = (uintptr_t)p / page;
	struct block *b = p, **list = class_of[at] ? &class[class_of[at]].free : &runs[order_of[at]];
	b->next = *list;
	*list = b;
}

size_t malloc_usable_size(void *p)
{
	uintptr_t at = (uintptr_t)p / page;
	if (!p)
		return 0;
	return class_of[at] ? class_size(class_of[at]) : (size_t)page << order_of[at];
}

void *calloc(size_t count, size_t size)
{
	size_t all;
	if (__builtin_mul_overflow(count, size, &all))
		return out_of_memory();
	void *p = malloc(all);
	return p ? memset(p, 0, all) : NULL;
}

void *realloc(void *p, size_t size)
{
	size_t has = malloc_usable_size(p);
	if (p && size <= has && size > has / 2)
		return p;
	void *q = malloc(size);
	if (q && p) {
		memcpy(q, p, has < size ? has : size);
		free(p);
	}
	return q;
}

// Every power of two up to a page is a size of its own, and pages begin at a multiple of it; runs are aligned to pages.
void *aligned_alloc(size_t align, size_t size)
{
	if (align > page)
		return out_of_memory();
	for (size_t power = step; align > step && power; power *= 2)
		if (power >= align && power >= size)
			return malloc(power);
	return malloc(size);
}

int posix_memalign(void **p, size_t align, size_t size)
{
	*p = aligned_alloc(align, size);
	return *p ? 0 : ENOMEM;
}

void *memalign(size_t align, size_t size) { return aligned_alloc(align, size); }
