#include <stdio.h>
#include <stdlib.h>

#include "plain.h"

void exports_plain_greet(void) {
	puts("hello from a function");
	fflush(stdout);
}
uint32_t exports_plain_answer(void) { return 42; }
bool exports_plain_fails(void) { return false; }
bool exports_plain_refuses(plain_string_t *ret, plain_string_t *err) {
	(void)ret;
	plain_string_dup(err, "not today");
	return false;
}
void exports_plain_crash(void) { __builtin_trap(); }
void exports_plain_leave(void) { exit(1); }
void exports_plain_takes(uint32_t n) { (void)n; }
void things_greet(void) { exports_plain_greet(); }
bool exports_wasi_cli_run_run(void) {
	puts("the command");
	return fflush(stdout) == 0;
}
