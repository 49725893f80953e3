// File system operations, each argument pair or so one: list DIR, read FILE, write FILE TEXT, mkdir DIR, rm FILE, stat FILE,
// cwd. Prints what it got; the first error ends it with its text and the exit code 1.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what, const char *path) {
	fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
	return 1;
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int list(const char *path) {
	char *names[1024];
	size_t n = 0;
	DIR *dir = opendir(path);
	if (!dir)
		return fail("list", path);
	for (struct dirent *e; n < 1024 && (e = readdir(dir));)
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			names[n++] = strdup(e->d_name);
	closedir(dir);
	qsort(names, n, sizeof *names, by_name);
	for (size_t i = 0; i < n; i++)
		puts(names[i]);
	return 0;
}

static int show(const char *path) {
	char buffer[4096];
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return fail("read", path);
	ssize_t n;
	while ((n = read(fd, buffer, sizeof buffer)) > 0)
		fwrite(buffer, 1, n, stdout);
	close(fd);
	return n < 0 ? fail("read", path) : 0;
}

static int put(const char *path, const char *text) {
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		return fail("write", path);
	return close(fd) < 0 ? fail("write", path) : 0;
}

int main(int argc, char **argv) {
	for (int i = 1; i < argc; i++) {
		const char *verb = argv[i], *path = i + 1 < argc ? argv[i + 1] : "";
		int status = 0;
		struct stat st;
		if (strcmp(verb, "cwd") == 0) {
			char here[4096];
			puts(getcwd(here, sizeof here) ? here : strerror(errno));
			continue;
		}
		i++;
		if (strcmp(verb, "list") == 0)
			status = list(path);
		else if (strcmp(verb, "read") == 0)
			status = show(path);
		else if (strcmp(verb, "write") == 0 && i + 1 < argc)
			status = put(path, argv[++i]);
		else if (strcmp(verb, "mkdir") == 0)
			status = mkdir(path, 0755) ? fail(verb, path) : 0;
		else if (strcmp(verb, "rm") == 0)
			status = unlink(path) ? fail(verb, path) : 0;
		else if (strcmp(verb, "stat") == 0)
			status = stat(path, &st) ? fail(verb, path) : printf("%lld bytes\n", (long long)st.st_size) < 0;
		else {
			fprintf(stderr, "%s: what is that?\n", verb);
			status = 2;
		}
		if (status)
			return status;
	}
	return 0;
}
