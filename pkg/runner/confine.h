// Installing seccomp programs for a whole process.

#include <stddef.h>

struct confined {
	int error;      // an errno, 0 if all are installed
	size_t program; // the one that was refused
};

// confine sets no_new_privs and installs n seccomp programs in all threads, present and to come. The programs lie one after
// the other, lengths in instructions.
struct confined confine(const void *programs, const size_t *lengths, size_t n);
