// What slots.c offers to this package's Go files.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// slots_set has the linear memories of an engine lie in slots that are used again. config is a wasm_config_t.
void slots_set(void *config);
