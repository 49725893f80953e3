// A path for each thing that a test asks, over what wit-bindgen makes of c_http.wit: there is no C library between.
//   /hello      a line of text
//   /echo       the request's body, as it comes
//   /headers    the request's headers as text, with the status 201 and the header x-language
//   /trailers   the request's trailers as text, and a trailer x-sum: how long the body was
//   /proxy      fetches the URL in the header x-target, with the request's method and body, and passes the response on
//   /trap       traps
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web.h"

typedef wasi_http_types_own_incoming_request_t request_t;
typedef wasi_http_types_own_response_outparam_t out_t;
typedef wasi_http_types_own_fields_t fields_t;
typedef wasi_http_types_own_incoming_body_t incoming_t;
typedef wasi_http_types_own_outgoing_body_t outgoing_t;
typedef wasi_http_types_list_tuple2_field_name_field_value_t entries_t;

static void must(bool ok) {
	if (!ok)
		__builtin_trap();
}

static web_string_t text(const char *s) { return (web_string_t){(uint8_t *)s, strlen(s)}; }

static void append(fields_t fields, const char *name, const char *value) {
	web_string_t n = text(name), v = text(value);
	wasi_http_types_header_error_t err;
	must(wasi_http_types_method_fields_append(wasi_http_types_borrow_fields(fields), &n, (wasi_http_types_field_value_t *)&v, &err));
}

static outgoing_t begin(out_t out, uint16_t status, fields_t headers) {
	wasi_http_types_own_outgoing_response_t response = wasi_http_types_constructor_outgoing_response(headers);
	must(wasi_http_types_method_outgoing_response_set_status_code(wasi_http_types_borrow_outgoing_response(response), status));
	outgoing_t body;
	must(wasi_http_types_method_outgoing_response_body(wasi_http_types_borrow_outgoing_response(response), &body));
	wasi_http_types_result_own_outgoing_response_error_code_t result = {.is_err = false, .val.ok = response};
	wasi_http_types_static_response_outparam_set(out, &result);
	return body;
}

static void end(outgoing_t body, fields_t *trailers) {
	wasi_http_types_error_code_t err;
	must(wasi_http_types_static_outgoing_body_finish(body, trailers, &err));
}

// Writes all of it, in the steps that one call takes.
static void write_all(outgoing_t body, const uint8_t *bytes, size_t length) {
	wasi_io_streams_own_output_stream_t to;
	must(wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(body), &to));
	while (length > 0) {
		web_list_u8_t part = {(uint8_t *)bytes, length < 4096 ? length : 4096};
		wasi_io_streams_stream_error_t err;
		must(wasi_io_streams_method_output_stream_blocking_write_and_flush(wasi_io_streams_borrow_output_stream(to), &part, &err));
		bytes += part.len, length -= part.len;
	}
	wasi_io_streams_output_stream_drop_own(to);
}

static void respond(out_t out, uint16_t status, const char *content) {
	outgoing_t body = begin(out, status, wasi_http_types_constructor_fields());
	write_all(body, (const uint8_t *)content, strlen(content));
	end(body, NULL);
}

// Moves a body into another within the host, or to nowhere, and returns how long it was.
static uint64_t move(incoming_t from, outgoing_t *to) {
	wasi_io_streams_own_input_stream_t in;
	must(wasi_http_types_method_incoming_body_stream(wasi_http_types_borrow_incoming_body(from), &in));
	wasi_io_streams_own_output_stream_t out;
	if (to)
		must(wasi_http_types_method_outgoing_body_write(wasi_http_types_borrow_outgoing_body(*to), &out));
	uint64_t total = 0, n = 0;
	wasi_io_streams_stream_error_t err;
	while (to ? wasi_io_streams_method_output_stream_blocking_splice(wasi_io_streams_borrow_output_stream(out),
						wasi_io_streams_borrow_input_stream(in), 1 << 20, &n, &err)
			  : wasi_io_streams_method_input_stream_blocking_skip(wasi_io_streams_borrow_input_stream(in), 1 << 20, &n, &err))
		total += n;
	must(err.tag == WASI_IO_STREAMS_STREAM_ERROR_CLOSED);
	wasi_io_streams_input_stream_drop_own(in);
	if (to)
		wasi_io_streams_output_stream_drop_own(out);
	return total;
}

static incoming_t consume(request_t request) {
	incoming_t body;
	must(wasi_http_types_method_incoming_request_consume(wasi_http_types_borrow_incoming_request(request), &body));
	return body;
}

static void echo(request_t request, out_t out) {
	outgoing_t body = begin(out, 200, wasi_http_types_constructor_fields());
	move(consume(request), &body);
	end(body, NULL);
}

// Fields as lines of text, to be freed.
static char *lines(fields_t fields) {
	entries_t entries;
	wasi_http_types_method_fields_entries(wasi_http_types_borrow_fields(fields), &entries);
	char *all;
	size_t length;
	FILE *f = open_memstream(&all, &length);
	must(f);
	for (size_t i = 0; i < entries.len; i++) {
		web_string_t name = entries.ptr[i].f0;
		wasi_http_types_field_value_t value = entries.ptr[i].f1;
		fprintf(f, "%.*s: %.*s\n", (int)name.len, (char *)name.ptr, (int)value.len, (char *)value.ptr);
	}
	must(fclose(f) == 0);
	return all;
}

static void headers(request_t request, out_t out) {
	fields_t fields = wasi_http_types_constructor_fields();
	append(fields, "x-language", "C");
	char *all = lines(wasi_http_types_method_incoming_request_headers(wasi_http_types_borrow_incoming_request(request)));
	outgoing_t body = begin(out, 201, fields);
	write_all(body, (uint8_t *)all, strlen(all));
	end(body, NULL);
}

static void trailers(request_t request, out_t out) {
	incoming_t from = consume(request);
	char sum[24];
	snprintf(sum, sizeof sum, "%llu", (unsigned long long)move(from, NULL));
	wasi_http_types_own_future_trailers_t future = wasi_http_types_static_incoming_body_finish(from);
	wasi_io_poll_own_pollable_t ready = wasi_http_types_method_future_trailers_subscribe(wasi_http_types_borrow_future_trailers(future));
	wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
	wasi_http_types_result_result_option_own_trailers_error_code_void_t got;
	must(wasi_http_types_method_future_trailers_get(wasi_http_types_borrow_future_trailers(future), &got) && !got.is_err && !got.val.ok.is_err);
	const char *all = got.val.ok.val.ok.is_some ? lines(got.val.ok.val.ok.val) : "";
	outgoing_t body = begin(out, 200, wasi_http_types_constructor_fields());
	write_all(body, (const uint8_t *)all, strlen(all));
	fields_t after = wasi_http_types_constructor_fields();
	append(after, "x-sum", sum);
	end(body, &after);
}

// A request for the URL in x-target, which is http://AUTHORITY/PATH.
static wasi_http_types_own_outgoing_request_t outgoing(request_t request) {
	fields_t fields = wasi_http_types_method_incoming_request_headers(wasi_http_types_borrow_incoming_request(request));
	web_string_t name = text("x-target");
	wasi_http_types_list_field_value_t values;
	wasi_http_types_method_fields_get(wasi_http_types_borrow_fields(fields), &name, &values);
	must(values.len == 1 && values.ptr[0].len > 7 && memcmp(values.ptr[0].ptr, "http://", 7) == 0);
	uint8_t *begin = values.ptr[0].ptr + 7, *stop = values.ptr[0].ptr + values.ptr[0].len;
	uint8_t *slash = memchr(begin, '/', stop - begin);
	must(slash);
	web_string_t authority = {begin, slash - begin}, path = {slash, stop - slash};
	wasi_http_types_scheme_t scheme = {.tag = WASI_HTTP_TYPES_SCHEME_HTTP};
	wasi_http_types_method_t method;
	wasi_http_types_method_incoming_request_method(wasi_http_types_borrow_incoming_request(request), &method);
	wasi_http_types_own_outgoing_request_t r = wasi_http_types_constructor_outgoing_request(wasi_http_types_constructor_fields());
	wasi_http_types_borrow_outgoing_request_t b = wasi_http_types_borrow_outgoing_request(r);
	must(wasi_http_types_method_outgoing_request_set_method(b, &method));
	must(wasi_http_types_method_outgoing_request_set_scheme(b, &scheme));
	must(wasi_http_types_method_outgoing_request_set_authority(b, &authority));
	must(wasi_http_types_method_outgoing_request_set_path_with_query(b, &path));
	return r;
}

static void proxy(request_t request, out_t out) {
	wasi_http_types_own_outgoing_request_t r = outgoing(request);
	outgoing_t up;
	must(wasi_http_types_method_outgoing_request_body(wasi_http_types_borrow_outgoing_request(r), &up));
	wasi_http_types_own_future_incoming_response_t future;
	wasi_http_types_error_code_t err;
	must(wasi_http_outgoing_handler_handle(r, NULL, &future, &err));
	move(consume(request), &up);
	end(up, NULL);
	wasi_io_poll_own_pollable_t ready =
		wasi_http_types_method_future_incoming_response_subscribe(wasi_http_types_borrow_future_incoming_response(future));
	wasi_io_poll_method_pollable_block(wasi_io_poll_borrow_pollable(ready));
	wasi_http_types_result_result_own_incoming_response_error_code_void_t got;
	must(wasi_http_types_method_future_incoming_response_get(wasi_http_types_borrow_future_incoming_response(future), &got) && !got.is_err);
	if (got.val.ok.is_err)
		return respond(out, 502, "no response");
	wasi_http_types_borrow_incoming_response_t response = wasi_http_types_borrow_incoming_response(got.val.ok.val.ok);
	incoming_t from;
	must(wasi_http_types_method_incoming_response_consume(response, &from));
	outgoing_t body = begin(out, wasi_http_types_method_incoming_response_status(response), wasi_http_types_constructor_fields());
	move(from, &body);
	end(body, NULL);
}

void exports_wasi_http_incoming_handler_handle(request_t request, out_t out) {
	web_string_t path;
	must(wasi_http_types_method_incoming_request_path_with_query(wasi_http_types_borrow_incoming_request(request), &path));
#define IS(name) (path.len == strlen(name) && memcmp(path.ptr, name, path.len) == 0)
	if (IS("/hello"))
		respond(out, 200, "hello from C\n");
	else if (IS("/echo"))
		echo(request, out);
	else if (IS("/headers"))
		headers(request, out);
	else if (IS("/trailers"))
		trailers(request, out);
	else if (IS("/proxy"))
		proxy(request, out);
	else if (IS("/trap"))
		__builtin_trap();
	else
		respond(out, 404, "no such thing\n");
}
