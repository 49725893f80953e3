"""A path for each thing that a test asks: /hello, /echo, /headers, /trailers, /proxy, /file, /raise. Made by componentize-py."""

from urllib.parse import urlsplit

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import outgoing_handler
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.types import (
    Fields,
    IncomingBody,
    OutgoingBody,
    OutgoingRequest,
    OutgoingResponse,
    ResponseOutparam,
    Scheme_Http,
    Scheme_Https,
)

MOST = 4096  # bytes that blocking_write_and_flush takes


def parts(body):
    """What comes of a body that was consumed."""
    with body.stream() as stream:
        while True:
            try:
                yield stream.blocking_read(65536)
            except Err as err:
                if isinstance(err.value, StreamError_Closed):
                    return
                raise


def send(body, content, trailers=None):
    """Writes all of the content into a body, and ends it."""
    with body.write() as stream:
        for part in content:
            for at in range(0, len(part), MOST):
                stream.blocking_write_and_flush(part[at : at + MOST])
    OutgoingBody.finish(body, trailers)


def respond(out, content, status=200, headers=(), trailers=None):
    response = OutgoingResponse(Fields.from_list(list(headers)))
    response.set_status_code(status)
    body = response.body()
    ResponseOutparam.set(out, Ok(response))
    send(body, content, trailers)


def hello(request, out):
    respond(out, [b"hello from Python\n"])


def echo(request, out):
    respond(out, parts(request.consume()))


def headers(request, out):
    lines = [name.encode() + b": " + value + b"\n" for name, value in request.headers().entries()]
    respond(out, lines, 201, [("x-language", b"Python")])


def trailers(request, out):
    body = request.consume()
    total = sum(len(part) for part in parts(body))
    future = IncomingBody.finish(body)
    future.subscribe().block()
    end = future.get().value.value
    lines = [name.encode() + b": " + value + b"\n" for name, value in end.entries()] if end else []
    respond(out, lines, trailers=Fields.from_list([("x-sum", str(total).encode())]))


def proxy(request, out):
    target = urlsplit(request.headers().get("x-target")[0].decode())
    outgoing = OutgoingRequest(Fields())
    outgoing.set_method(request.method())
    outgoing.set_scheme(Scheme_Https() if target.scheme == "https" else Scheme_Http())
    outgoing.set_authority(target.netloc)
    outgoing.set_path_with_query(target.path + ("?" + target.query if target.query else ""))
    body = outgoing.body()
    future = outgoing_handler.handle(outgoing, None)
    send(body, parts(request.consume()))
    future.subscribe().block()
    response = future.get().value
    if isinstance(response, Err):
        return respond(out, [type(response.value).__name__.encode()], 502)
    response = response.value
    passed = [(name, value) for name, value in response.headers().entries() if name.startswith("x-")]
    respond(out, parts(response.consume()), response.status(), passed)


def file(request, out):
    with open("/etc/greet", "rb") as f:
        respond(out, [f.read()])


def fail(request, out):
    raise RuntimeError("raised by Python")


paths = {
    "/hello": hello,
    "/echo": echo,
    "/headers": headers,
    "/trailers": trailers,
    "/proxy": proxy,
    "/file": file,
    "/raise": fail,
}


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request, response_out):
        path = request.path_with_query().partition("?")[0]
        paths.get(path, lambda _, out: respond(out, [b"no such thing\n"], 404))(request, response_out)
