// Reads standard input in the unusual ways, one for each argument: poll (wait for it with poll first), read, vector (into several
// parts), close (and read then), renumber FILE (the file takes descriptor 0's place), bounds (into memory
// that is not there). Prints what it got.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <wasi/api.h>

static void show(const char *verb, const char *data, ssize_t n) {
	if (n < 0)
		printf("%s: %s\n", verb, strerror(errno));
	else
		printf("%s: %zd %.*s\n", verb, n, (int)n, data);
	fflush(stdout);
}

int main(int argc, char **argv) {
	char data[64];
	for (int i = 1; i < argc; i++) {
		const char *verb = argv[i];
		if (strcmp(verb, "poll") == 0) {
			struct pollfd input = {.fd = 0, .events = POLLIN};
			if (poll(&input, 1, -1) != 1)
				show("poll", "", -1);
			show(verb, data, read(0, data, 4));
		} else if (strcmp(verb, "read") == 0) {
			show(verb, data, read(0, data, 4));
		} else if (strcmp(verb, "vector") == 0) {
			struct iovec parts[20];
			for (int p = 0; p < 20; p++)
				parts[p] = (struct iovec){data + p, 1};
			show(verb, data, readv(0, parts, 20));
		} else if (strcmp(verb, "close") == 0) {
			close(0);
			show(verb, data, read(0, data, 4));
		} else if (strcmp(verb, "renumber") == 0) {
			int fd = open(argv[++i], O_RDONLY);
			if (fd < 0 || __wasi_fd_renumber(fd, 0) != 0)
				show("renumber", "", -1);
			show(verb, data, read(0, data, 4));
		} else if (strcmp(verb, "bounds") == 0) {
			show(verb, data, read(0, (char *)0xfffffff0, 4));
		}
	}
	return 0;
}
