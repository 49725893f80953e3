// c_counter BUCKET KEY: adds to a number as much as the configuration's key "step" says, or 1, prints it, and logs that.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "counter.h"

static void print(const char *text) {
	wasi_io_streams_own_output_stream_t out = wasi_cli_stdout_get_stdout();
	counter_list_u8_t bytes = {(uint8_t *)text, strlen(text)};
	wasi_io_streams_stream_error_t err;
	if (!wasi_io_streams_method_output_stream_blocking_write_and_flush(wasi_io_streams_borrow_output_stream(out), &bytes, &err))
		wasi_io_streams_stream_error_free(&err);
	wasi_io_streams_output_stream_drop_own(out);
}

static bool failed(wasi_keyvalue_store_error_t *err) {
	char line[1000];
	switch (err->tag) {
	case WASI_KEYVALUE_STORE_ERROR_NO_SUCH_STORE:
		print("no such store\n");
		break;
	case WASI_KEYVALUE_STORE_ERROR_ACCESS_DENIED:
		print("access denied\n");
		break;
	default:
		snprintf(line, sizeof line, "other: %.*s\n", (int)err->val.other.len, (char *)err->val.other.ptr);
		print(line);
	}
	return false;
}

bool exports_wasi_cli_run_run(void) {
	counter_list_string_t args;
	wasi_cli_environment_get_arguments(&args);
	if (args.len != 3) {
		print("want: BUCKET KEY\n");
		return false;
	}
	counter_string_t step_key;
	counter_string_set(&step_key, "step");
	counter_option_string_t step;
	wasi_config_store_error_t wrong;
	if (!wasi_config_store_get(&step_key, &step, &wrong))
		return false;
	uint64_t delta = 1, n;
	if (step.is_some)
		delta = strtoull((char *)step.val.ptr, NULL, 10);
	wasi_keyvalue_store_own_bucket_t bucket;
	wasi_keyvalue_store_error_t err;
	if (!wasi_keyvalue_store_open(&args.ptr[1], &bucket, &err))
		return failed(&err);
	if (!wasi_keyvalue_atomics_increment(wasi_keyvalue_store_borrow_bucket(bucket), &args.ptr[2], delta, &n, &err))
		return failed(&err);
	char line[100];
	snprintf(line, sizeof line, "%llu\n", (unsigned long long)n);
	print(line);
	counter_string_t context, message;
	counter_string_set(&context, "c_counter");
	counter_string_set(&message, "counted");
	wasi_logging_logging_log(WASI_LOGGING_LOGGING_LEVEL_INFO, &context, &message);
	wasi_logging_logging_log(WASI_LOGGING_LOGGING_LEVEL_DEBUG, &context, &message);
	return true;
}
