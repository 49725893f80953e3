// Greets whoever is named, as a WASI 0.2 component in C.

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	const char *greeting = getenv("GREETING");
	printf("%s from C, %s!\n", greeting ? greeting : "Hello", argc > 1 ? argv[1] : "world");
}
