// Sleeps the number of milliseconds given as its argument and says so before and after.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv) {
	int ms = argc > 1 ? atoi(argv[1]) : 1000;
	puts("sleeping");
	fflush(stdout);
	usleep(ms * 1000);
	puts("slept");
	return 0;
}
