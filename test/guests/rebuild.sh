#!/bin/sh
# Renews every committed .wasm from the source beside it. Needs clang, lld, wasi-libc, libclang-rt-14-dev-wasm32 and wabt of
# Debian 12: the committed files were made with clang 14.0.6, wasi-libc 0.0~git20220510 and wabt 1.0.32.
# Go guests are not committed (2.6 MB each): package guests builds them when a test asks.
set -eu
cd "$(dirname "$0")"

for source in */*.wat; do
	wat2wasm --debug-names --enable-all "$source" -o "${source%.wat}.wasm"
done
for source in */*.c; do
	debug="-s"
	case $source in trap_dwarf/*) debug="-g -O1 -ffile-prefix-map=$PWD=." ;; esac
	# shellcheck disable=SC2086 # $debug is a list of flags
	clang --target=wasm32-wasi -Oz -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Werror $debug "$source" -o "${source%.c}.wasm"
done

# Components have tools of their own: component/rebuild.sh.
