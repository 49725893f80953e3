// Copies its standard input to its standard output until the end, then says how many bytes on standard error.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void) {
	static char buffer[65536];
	long long total = 0;
	ssize_t n;
	while ((n = read(0, buffer, sizeof buffer)) > 0) {
		for (ssize_t at = 0; at < n;) {
			ssize_t wrote = write(1, buffer + at, n - at);
			if (wrote < 0) {
				fprintf(stderr, "write: %s\n", strerror(errno));
				return 1;
			}
			at += wrote;
		}
		total += n;
	}
	if (n < 0) {
		fprintf(stderr, "read: %s\n", strerror(errno));
		return 1;
	}
	fprintf(stderr, "%lld bytes\n", total);
	return 0;
}
