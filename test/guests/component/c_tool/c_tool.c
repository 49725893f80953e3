// A verb per thing a test asks: hello, args, env, upper, clock, random, exit, abort, trap.
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int upper(void) {
	char buf[4096];
	ssize_t n;
	while ((n = read(0, buf, sizeof buf)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			buf[i] = (char)toupper((unsigned char)buf[i]);
		for (ssize_t done = 0, m; done < n; done += m)
			if ((m = write(1, buf + done, (size_t)(n - done))) < 0)
				return 1;
	}
	return n < 0;
}

static int64_t nanoseconds(struct timespec t) { return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec; }

// Prints the seconds since 1970, and for how many milliseconds a sleep of 20 lasted.
static int clocks(void) {
	struct timespec wall, before, after, pause = {.tv_nsec = 20 * 1000 * 1000};
	if (clock_gettime(CLOCK_REALTIME, &wall) || clock_gettime(CLOCK_MONOTONIC, &before))
		return 1;
	if (nanosleep(&pause, NULL) || clock_gettime(CLOCK_MONOTONIC, &after))
		return 1;
	printf("%lld %lld\n", (long long)wall.tv_sec, (long long)((nanoseconds(after) - nanoseconds(before)) / 1000000));
	return 0;
}

static int randoms(void) {
	unsigned char b[16];
	if (getentropy(b, sizeof b))
		return 1;
	for (size_t i = 0; i < sizeof b; i++)
		printf("%02x", b[i]);
	putchar('\n');
	return 0;
}

__attribute__((noinline)) static void inner(void) { __builtin_trap(); }

int main(int argc, char **argv) {
	const char *verb = argc > 1 ? argv[1] : "hello";
	if (!strcmp(verb, "hello")) {
		puts("hello from C");
	} else if (!strcmp(verb, "args")) {
		for (int i = 0; i < argc; i++)
			puts(argv[i]);
	} else if (!strcmp(verb, "env")) {
		for (char **e = environ; *e; e++)
			puts(*e);
	} else if (!strcmp(verb, "upper")) {
		return upper();
	} else if (!strcmp(verb, "clock")) {
		return clocks();
	} else if (!strcmp(verb, "random")) {
		return randoms();
	} else if (!strcmp(verb, "exit")) {
		exit(argc > 2 ? atoi(argv[2]) : 0);
	} else if (!strcmp(verb, "abort")) {
		abort();
	} else if (!strcmp(verb, "trap")) {
		inner();
	} else {
		fprintf(stderr, "c_tool: verb %s unknown\n", verb);
		return 2;
	}
	return 0;
}
