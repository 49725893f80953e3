"""A verb per thing a test asks: hello, args, env, upper, clock, random, exit, raise, files."""

import os
import secrets
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


verbs = {
    "hello": lambda: print("hello from Python"),
    "args": lambda *args: print("\n".join(sys.argv)),
    "env": lambda: print("\n".join(f"{k}={v}" for k, v in sorted(os.environ.items()))),
    "upper": upper,
    "clock": clock,
    "random": lambda: print(secrets.token_hex(16)),
    "exit": lambda code: sys.exit(int(code)),
    "files": files,
}


class Run(exports.Run):
    def run(self):
        args = sys.argv[1:] or ["hello"]
        if args[0] == "raise":
            raise RuntimeError("raised by Python")
        verbs[args[0]](*args[1:])
        sys.stdout.flush()
