// Copies a file to another, 1 MiB at a time: file systems make larger pieces cheaper.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static char buffer[1 << 20];

int main(int argc, char **argv) {
	if (argc != 3) {
		fputs("usage: c_copy FROM TO\n", stderr);
		return 2;
	}
	int from = open(argv[1], O_RDONLY), to = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t n = -1;
	while (from >= 0 && to >= 0 && (n = read(from, buffer, sizeof buffer)) > 0)
		for (ssize_t done = 0, put; done < n; done += put)
			if ((put = write(to, buffer + done, n - done)) < 0) {
				perror(argv[2]);
				return 1;
			}
	if (n < 0) {
		perror(to < 0 ? argv[2] : argv[1]);
		return 1;
	}
	return 0;
}
