// What pool.c offers to this package's Go files.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// pool_possible reports whether that many bytes of addresses can be reserved.
bool pool_possible(size_t bytes);

// pool_set has an engine's instances, so many at most, lie in a pool. config is a wasm_config_t.
void pool_set(void *config, uint32_t instances, uint32_t memories, uint32_t tables, size_t elements, size_t memory_resident,
              size_t table_resident);
