// Writes the number of bytes given as its first argument to standard output, as fast as it can; with "stderr" as the second
// to standard error. A write that fails is told by its errno on standard error and the exit code 3.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
	long long left = argc > 1 ? atoll(argv[1]) : 1 << 20;
	int to = argc > 2 && strcmp(argv[2], "stderr") == 0 ? 2 : 1;
	static char buffer[65536];
	for (size_t i = 0; i < sizeof buffer; i++)
		buffer[i] = i % 64 == 63 ? '\n' : 'a' + i % 26;
	while (left > 0) {
		ssize_t n = write(to, buffer, left < (long long)sizeof buffer ? (size_t)left : sizeof buffer);
		if (n < 0) {
			fprintf(stderr, "write: %s\n", strerror(errno));
			return 3;
		}
		left -= n;
	}
	return 0;
}
