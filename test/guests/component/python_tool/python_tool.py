"""A verb per thing a test asks: hello, args, env, upper, clock, random, exit, raise, files, serve, lookup.

What a program imports has to be imported when the component is built, which includes the codec that socket looks up by name.
"""

import encodings.idna
import os
import secrets
import socket
import sys
import time

from wit_world import exports


def files(directory):
    path = os.path.join(directory, "from-python")
    with open(path, "w") as f:
        f.write("written by Python\n")
    with open(path) as f:
        print(f.read(), end="")
    print(os.stat(path).st_size, *sorted(os.listdir(directory)))
    os.rename(path, path + "-2")
    os.remove(path + "-2")
    os.makedirs(os.path.join(directory, "a", "b"))
    os.removedirs(os.path.join(directory, "a", "b"))


def clock():
    before = time.monotonic()
    time.sleep(0.02)
    print(int(time.time()), int((time.monotonic() - before) * 1000))


def upper():
    for line in sys.stdin:
        print(line.upper(), end="", flush=True)


def serve(port):
    """Echoes one TCP connection in capitals."""
    with socket.create_server(("0.0.0.0", int(port))) as server:
        print("listening on", server.getsockname()[1], flush=True)
        connection, _ = server.accept()
        with connection:
            while got := connection.recv(4096):
                connection.sendall(got.upper())


def lookup(name):
    for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM):
        print(found[4][0])


verbs = {
    "hello": lambda: print("hello from Python"),
    "args": lambda *args: print("\n".join(sys.argv)),
    "env": lambda: print("\n".join(f"{k}={v}" for k, v in sorted(os.environ.items()))),
    "upper": upper,
    "clock": clock,
    "random": lambda: print(secrets.token_hex(16)),
    "exit": lambda code: sys.exit(int(code)),
    "files": files,
    "serve": serve,
    "lookup": lookup,
}


class Run(exports.Run):
    def run(self):
        args = sys.argv[1:] or ["hello"]
        if args[0] == "raise":
            raise RuntimeError("raised by Python")
        verbs[args[0]](*args[1:])
        sys.stdout.flush()
