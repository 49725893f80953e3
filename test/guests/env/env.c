// Prints each variable of its environment on a line; with arguments only the values of those, "(unset)" if there is none.
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

int main(int argc, char **argv) {
	if (argc > 1)
		for (int i = 1; i < argc; i++) {
			const char *value = getenv(argv[i]);
			puts(value ? value : "(unset)");
		}
	else
		for (char **e = environ; *e; e++)
			puts(*e);
}
