// Exits with the number given as its argument, 0 without one, by the way the second argument names: "exit" (default)
// or "return" from main.
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
	int code = argc > 1 ? atoi(argv[1]) : 0;
	if (argc > 2 && strcmp(argv[2], "return") == 0)
		return code;
	exit(code);
}
