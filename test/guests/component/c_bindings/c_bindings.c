// A verb per thing a test asks, through the bindings that wit-bindgen makes of bindings.wit: there is no C library between.
//   exit N      ends with the exit code N, which the C library's exit makes 1 of
//   error       returns an error from run
//   splice      moves standard input to standard output within the host
//   poll        waits for timers of 40, 20 and 60 ms and prints which of them were ready, until all have been
//   ready       waits for standard input or for 10 s and prints which it was
//   random      prints bytes of each source, and whether the seed stays the same
//   terminal    prints whether standard input is one
//   cwd         prints the initial working directory
//   leak        returns with streams, pollables and terminals not dropped
//   stale       uses a stream that it has dropped, which traps
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bindings.h"

typedef wasi_io_streams_own_output_stream_t output;

static void print(const char *text) {
	output out = wasi_cli_stdout_get_stdout();
	bindings_list_u8_t bytes = {(uint8_t *)text, strlen(text)};
	wasi_io_streams_stream_error_t err;
	if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(wasi_io_streams_borrow_output_stream(out), &bytes, &err))
		wasi_io_streams_stream_error_free(&err);
	wasi_io_streams_output_stream_drop_own(out);
}

static bool splice(void) {
	wasi_io_streams_own_input_stream_t in = wasi_cli_stdin_get_stdin();
	output out = wasi_cli_stdout_get_stdout();
	uint64_t n;
	wasi_io_streams_stream_error_t err;
	while (wasi_io_streams_method_output_stream_blocking_splice(wasi_io_streams_borrow_output_stream(out),
			wasi_io_streams_borrow_input_stream(in), 65536, &n, &err))
		;
	bool ended = err.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED;
	wasi_io_streams_stream_error_free(&err);
	ended &= wasi_io_streams_method_output_stream_blocking_flush(wasi_io_streams_borrow_output_stream(out), &err);
	wasi_io_streams_output_stream_drop_own(out);
	wasi_io_streams_input_stream_drop_own(in);
	return ended;
}

static bool timers(void) {
	static const uint64_t milliseconds[] = {40, 20, 60};
	wasi_io_poll_own_pollable_t timer[3];
	wasi_io_poll_borrow_pollable_t waiting[3];
	size_t n = 3, which[3] = {0, 1, 2};
	uint64_t start = wasi_clocks_monotonic_clock_now();
	for (size_t i = 0; i < n; i++)
		timer[i] = wasi_clocks_monotonic_clock_subscribe_instant(start + milliseconds[i] * 1000000);
	while (n > 0) {
		for (size_t i = 0; i < n; i++)
			waiting[i] = wasi_io_poll_borrow_pollable(timer[which[i]]);
		wasi_io_poll_list_borrow_pollable_t list = {waiting, n};
		bindings_list_u32_t ready;
		wasi_io_poll_poll(&list, &ready);
		if (ready.len == 0)
			return false;
		for (size_t i = ready.len; i-- > 0;) {
			size_t at = ready.ptr[i];
			char line[32];
			snprintf(line, sizeof line, "%d\n", (int)milliseconds[which[at]]);
			print(line);
			if (!wasi_io_poll_method_pollable_ready(wasi_io_poll_borrow_pollable(timer[which[at]])))
				return false;
			wasi_io_poll_pollable_drop_own(timer[which[at]]);
			memmove(which + at, which + at + 1, (n - at - 1) * sizeof *which);
			n--;
		}
		bindings_list_u32_free(&ready);
	}
	uint64_t lasted = wasi_clocks_monotonic_clock_now() - start;
	return lasted >= 60 * 1000000;
}

static bool ready(void) {
	wasi_io_streams_own_input_stream_t in = wasi_cli_stdin_get_stdin();
	wasi_io_poll_own_pollable_t input = wasi_io_streams_method_input_stream_subscribe(wasi_io_streams_borrow_input_stream(in));
	wasi_io_poll_own_pollable_t timer = wasi_clocks_monotonic_clock_subscribe_duration(10ull * 1000000000);
	wasi_io_poll_borrow_pollable_t both[2] = {wasi_io_poll_borrow_pollable(timer), wasi_io_poll_borrow_pollable(input)};
	wasi_io_poll_list_borrow_pollable_t list = {both, 2};
	bindings_list_u32_t first;
	wasi_io_poll_poll(&list, &first);
	print(first.len == 1 && first.ptr[0] == 1 ? "input\n" : "timer\n");
	bindings_list_u32_free(&first);
	wasi_io_poll_pollable_drop_own(timer);
	wasi_io_poll_pollable_drop_own(input);
	wasi_io_streams_input_stream_drop_own(in);
	return true;
}

static bool randoms(void) {
	bindings_list_u8_t secure, insecure;
	wasi_random_random_get_random_bytes(32, &secure);
	wasi_random_insecure_get_insecure_random_bytes(32, &insecure);
	bool ok = secure.len == 32 && insecure.len == 32 && memcmp(secure.ptr, insecure.ptr, 32) != 0;
	ok &= wasi_random_random_get_random_u64() != wasi_random_random_get_random_u64();
	ok &= wasi_random_insecure_get_insecure_random_u64() != wasi_random_insecure_get_insecure_random_u64();
	bindings_tuple2_u64_u64_t one, two;
	wasi_random_insecure_seed_insecure_seed(&one);
	wasi_random_insecure_seed_insecure_seed(&two);
	char line[80];
	snprintf(line, sizeof line, "%s %s\n", ok ? "different" : "the same", one.f0 == two.f0 && one.f1 == two.f1 ? "one seed" : "two seeds");
	print(line);
	bindings_list_u8_free(&secure);
	bindings_list_u8_free(&insecure);
	return ok;
}

static bool terminal(void) {
	wasi_cli_terminal_stdin_own_terminal_input_t t;
	bool is = wasi_cli_terminal_stdin_get_terminal_stdin(&t);
	if (is)
		wasi_cli_terminal_input_terminal_input_drop_own(t);
	print(is ? "terminal\n" : "no terminal\n");
	return true;
}

static bool cwd(void) {
	bindings_string_t dir;
	if (!wasi_cli_environment_initial_cwd(&dir)) {
		print("none\n");
		return true;
	}
	char line[256];
	snprintf(line, sizeof line, "%.*s\n", (int)dir.len, (char *)dir.ptr);
	print(line);
	bindings_string_free(&dir);
	return true;
}

static bool leak(void) {
	for (int i = 0; i < 100; i++) {
		wasi_io_streams_own_input_stream_t in = wasi_cli_stdin_get_stdin();
		wasi_io_streams_method_input_stream_subscribe(wasi_io_streams_borrow_input_stream(in));
		wasi_clocks_monotonic_clock_subscribe_duration(3600ull * 1000000000);
		wasi_cli_stderr_get_stderr();
	}
	return true;
}

static bool stale(void) {
	output out = wasi_cli_stdout_get_stdout();
	wasi_io_streams_borrow_output_stream_t self = wasi_io_streams_borrow_output_stream(out);
	wasi_io_streams_output_stream_drop_own(out);
	uint64_t n;
	wasi_io_streams_stream_error_t err;
	return wasi_io_streams_method_output_stream_check_write(self, &n, &err);
}

// wasi:cli/run@0.2.12 run: func() -> result
bool exports_wasi_cli_run_run(void) {
	bindings_list_string_t list;
	wasi_cli_environment_get_arguments(&list);
	char args[3][64] = {{0}};
	for (size_t i = 0; i < list.len && i < 3; i++)
		snprintf(args[i], sizeof args[i], "%.*s", (int)list.ptr[i].len, (char *)list.ptr[i].ptr);
	bindings_list_string_free(&list);
	const char *verb = args[1];
	if (!strcmp(verb, "exit"))
		wasi_cli_exit_exit_with_code((uint8_t)atoi(args[2]));
	if (!strcmp(verb, "error"))
		return false;
	if (!strcmp(verb, "splice"))
		return splice();
	if (!strcmp(verb, "poll"))
		return timers();
	if (!strcmp(verb, "ready"))
		return ready();
	if (!strcmp(verb, "random"))
		return randoms();
	if (!strcmp(verb, "terminal"))
		return terminal();
	if (!strcmp(verb, "cwd"))
		return cwd();
	if (!strcmp(verb, "leak"))
		return leak();
	if (!strcmp(verb, "stale"))
		return stale();
	print("c_bindings: verb unknown\n");
	return false;
}
