// Traps in a function of its own, built with debug information: the backtrace has to name this file and the lines.
#include <stdlib.h>

__attribute__((noinline)) static int divide(volatile int *by) { return 100 / *by; } // line 4

__attribute__((noinline)) static int prepare(int n) {
	volatile int by = n - 1;
	return divide(&by) + 1; // line 8
}

int main(int argc, char **argv) {
	return prepare(argc); // line 12
}
