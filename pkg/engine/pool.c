// As in run.c, prototypes of version 44 of wasmtime/config.h.

#define _GNU_SOURCE

#include "pool.h"

#include <sys/mman.h>

typedef struct wasm_config wasm_config_t;
typedef struct pooling pooling_t;

pooling_t *wasmtime_pooling_allocation_config_new(void);
void wasmtime_pooling_allocation_config_delete(pooling_t *);
void wasmtime_pooling_allocation_config_total_core_instances_set(pooling_t *, uint32_t);
void wasmtime_pooling_allocation_config_total_memories_set(pooling_t *, uint32_t);
void wasmtime_pooling_allocation_config_total_tables_set(pooling_t *, uint32_t);
void wasmtime_pooling_allocation_config_max_memories_per_module_set(pooling_t *, uint32_t);
void wasmtime_pooling_allocation_config_max_tables_per_module_set(pooling_t *, uint32_t);
void wasmtime_pooling_allocation_config_max_memory_size_set(pooling_t *, size_t);
void wasmtime_pooling_allocation_config_table_elements_set(pooling_t *, size_t);
void wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pooling_t *, size_t);
void wasmtime_pooling_allocation_config_table_keep_resident_set(pooling_t *, size_t);
void wasmtime_pooling_allocation_strategy_set(wasm_config_t *, const pooling_t *);

bool pool_possible(size_t bytes) {
	void *p = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return false;
	munmap(p, bytes);
	return true;
}

void pool_set(void *config, uint32_t instances, uint32_t memories, uint32_t tables, size_t elements, size_t memory_resident,
              size_t table_resident) {
	pooling_t *p = wasmtime_pooling_allocation_config_new();
	wasmtime_pooling_allocation_config_total_core_instances_set(p, instances);
	wasmtime_pooling_allocation_config_total_memories_set(p, memories);
	wasmtime_pooling_allocation_config_total_tables_set(p, tables);
	wasmtime_pooling_allocation_config_max_memories_per_module_set(p, 4);
	wasmtime_pooling_allocation_config_max_tables_per_module_set(p, 4);
	wasmtime_pooling_allocation_config_max_memory_size_set(p, (size_t)4 << 30);
	wasmtime_pooling_allocation_config_table_elements_set(p, elements);
	wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(p, memory_resident);
	wasmtime_pooling_allocation_config_table_keep_resident_set(p, table_resident);
	wasmtime_pooling_allocation_strategy_set(config, p);
	wasmtime_pooling_allocation_config_delete(p);
}
