// What libpython for WASI asks of a C library and the one of ziglang 0.13 does not have, or has wrong.

#include <time.h>

// Extension modules are in the program; there is nothing to load.
void *dlopen(const char *file, int mode) { return NULL; }
void *dlsym(void *handle, const char *name) { return NULL; }
int dlclose(void *handle) { return -1; }
char *dlerror(void) { return "dynamic linking is not supported"; }

// WASI has no time zones. The library's own adds an offset that nobody has set, and `import time` fails.
struct tm *localtime_r(const time_t *restrict t, struct tm *restrict tm) { return gmtime_r(t, tm); }
