#!/bin/bash
# Renews the committed components, or those named, from the sources beside them. The tools and their versions: toolchain.sh, which
# puts them into the folder that TOOLCHAINS names (build/toolchains if it is not set). Needs root, for a chroot.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
tools=${TOOLCHAINS:-$here/../../../build/toolchains}
[ -d "$tools/debian" ] || { echo "no tools in $tools: $here/toolchain.sh $tools" >&2; exit 1; }
export PATH=$tools/py/bin:$tools/cargo/bin:$tools/js/node_modules/.bin:$PATH
lib=$tools/js/node_modules/@bytecodealliance/jco/lib
wasi=$lib/wit/builtin/0.2.12
place=$tools/debian/guests # what the chroot sees as /guests
trap 'rm -rf "$place"' EXIT

cc="clang --target=wasm32-wasip2 -Oz -std=gnu23 -Wall -Wextra -Werror"
rustc="rustc --edition 2024 --target wasm32-wasip2 -C opt-level=z -C lto -C codegen-units=1 -C panic=abort -C strip=symbols"

# in_chroot GUEST COMMAND: runs the command in a copy of the guest's folder.
in_chroot() { chroot "$tools/debian" sh -euc "cd '/guests/$1' && $2"; }

# copy GUEST: a fresh copy of the guest's folder for in_chroot, with the interfaces of WASI beside its own.
copy() {
	rm -rf "${place:?}/$1"
	mkdir -p "$place/$1/wit/deps"
	cp -r "$1/." "$place/$1/"
	cp -r "$wasi"/* "$place/$1/wit/deps/"
	for w in "$1"/*.wit; do
		[ ! -e "$w" ] || cp "$w" "$place/$1/wit/"
	done
}

# take GUEST [OTHER]: what was made becomes what is committed, as it is or packed, or without what is in the component OTHER too.
take() {
	wasm-tools validate "$place/$1/$1.wasm"
	if [ $# = 2 ]; then
		zstd -q -d -f "$2/$2.wasm.zst" -o "$place/$2.base"
		zstd -q -f --ultra -22 --long=27 --patch-from="$place/$2.base" "$place/$1/$1.wasm" -o "$1/$1.wasm.from-$2.zst"
	elif [ "$(stat -c %s "$place/$1/$1.wasm")" -gt 500000 ]; then
		zstd -q -f --ultra -22 "$place/$1/$1.wasm" -o "$1/$1.wasm.zst"
	else
		cp "$place/$1/$1.wasm" "$1/"
	fi
}

# c_guest GUEST [FLAG ...]
c_guest() { copy "$1" && in_chroot "$1" "$cc ${2:--s} $1.c -o $1.wasm" && take "$1"; }
rust_guest() { copy "$1" && in_chroot "$1" "$rustc $1.rs -o $1.wasm" && take "$1"; }

# c_world GUEST SOURCE WORLD: a guest in C over what wit-bindgen makes of a world.
c_world() {
	wit-bindgen c --world "$3" --out-dir "$place/$1" "$place/$1/wit"
	in_chroot "$1" "$cc -s -mexec-model=reactor $2.c $3.c $3_component_type.o -o $2.wasm"
}

# adapted NAME MODULE: a module of WASI 0.1 with the adapter around it.
adapted() {
	mkdir -p "$place/$1"
	wasm-tools component new --adapt wasi_snapshot_preview1="$lib/wasi_snapshot_preview1.command.wasm" "$2" -o "$place/$1/whole.wasm"
	wasm-tools strip --all "$place/$1/whole.wasm" -o "$place/$1/$1.wasm"
	mkdir -p "$1"
	take "$1"
}

# A trap of this one is to name functions.
make_c_tool() { c_guest c_tool -Wl,--strip-debug; }
make_c_files() { c_guest c_files; }
make_c_copy() { c_guest c_copy; }
make_c_net() { c_guest c_net; }
make_rust_tool() { rust_guest rust_tool; }
make_rust_files() { rust_guest rust_files; }
make_rust_net() { rust_guest rust_net; }
make_c_bindings() { copy c_bindings && c_world c_bindings c_bindings bindings && take c_bindings; }
make_functions() { copy functions && c_world functions functions plain && take functions; }

make_c_http() { copy c_http && c_world c_http c_http web && take c_http; }

make_missing_import() {
	copy missing_import
	wasm-tools parse missing_import/missing_import.wat -o "$place/missing_import/missing_import.wasm"
	take missing_import
}

# wat_server GUEST: one of a text, with the world that is beside it.
wat_server() {
	copy "$1"
	wasm-tools component embed --world server "$place/$1/wit" "$1/$1.wat" -o "$place/$1/embedded.wasm"
	wasm-tools component new "$place/$1/embedded.wasm" -o "$place/$1/whole.wasm"
	wasm-tools strip --all "$place/$1/whole.wasm" -o "$place/$1/$1.wasm"
	take "$1"
}
make_http_start_loop() { wat_server http_start_loop; }
make_http_start_trap() { wat_server http_start_trap; }

make_composed() {
	copy composed
	c_world composed customer client
	(cd "$place/composed" && CARGO_HOME=$place/composed/cargo cargo fetch -q)
	in_chroot composed "CARGO_HOME=/guests/composed/cargo cargo build -q -j1 --offline --release --target wasm32-wasip2"
	wac plug --plug "$place/composed/target/wasm32-wasip2/release/keeper.wasm" "$place/composed/customer.wasm" -o "$place/composed/whole.wasm"
	wasm-tools strip --all "$place/composed/whole.wasm" -o "$place/composed/composed.wasm"
	cp "$place/composed/Cargo.lock" composed/
	take composed
}

# The sources of these are the guests of WASI 0.1 in the folder above.
make_adapted_args() { adapted adapted_args ../args/args.wasm; }
make_adapted_cat() { adapted adapted_cat ../cat/cat.wasm; }
make_adapted_files() { adapted adapted_files ../files/files.wasm; }
make_adapted_exit_code() { adapted adapted_exit_code ../exit_code/exit_code.wasm; }
make_go_tool() {
	mkdir -p "$place/go_tool"
	(cd ../tool && GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$place/go_tool/module.wasm" .)
	adapted go_tool "$place/go_tool/module.wasm"
}

# A reactor, whose exports the adapter for reactors does not touch.
make_go_http() {
	copy go_http
	(cd go_http && GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 go build -buildmode=c-shared -trimpath -buildvcs=false -ldflags '-s -w' -o "$place/go_http/module.wasm" .)
	wasm-tools component embed --world web "$place/go_http/wit" "$place/go_http/module.wasm" -o "$place/go_http/embedded.wasm"
	wasm-tools component new --adapt wasi_snapshot_preview1="$lib/wasi_snapshot_preview1.reactor.wasm" "$place/go_http/embedded.wasm" -o "$place/go_http/whole.wasm"
	wasm-tools strip --all "$place/go_http/whole.wasm" -o "$place/go_http/go_http.wasm"
	take go_http
}

make_cpp_tool() {
	copy cpp_tool
	in_chroot cpp_tool "clang++ --target=wasm32-wasip1 -Oz -s -std=c++23 -fno-exceptions -Wall -Wextra -Werror cpp_tool.cc -o module.wasm"
	adapted cpp_tool "$place/cpp_tool/module.wasm"
}
make_zig_tool() {
	copy zig_tool
	(cd "$place/zig_tool" && python -m ziglang build-exe -target wasm32-wasi -O ReleaseSmall -femit-bin=module.wasm zig_tool.zig)
	adapted zig_tool "$place/zig_tool/module.wasm"
}

# rust_crate GUEST: a guest of a crate of its own.
rust_crate() {
	copy "$1"
	(cd "$place/$1" && CARGO_HOME=$place/$1/cargo cargo fetch -q --locked)
	in_chroot "$1" "CARGO_HOME=/guests/$1/cargo cargo build -q -j1 --offline --release --target wasm32-wasip2"
	mv "$place/$1/target/wasm32-wasip2/release/$1.wasm" "$place/$1/"
	take "$1"
}
make_http_counter() { rust_crate http_counter; }
make_c_counter() { copy c_counter && c_world c_counter c_counter counter && take c_counter; }
make_http_hello() { rust_crate http_hello; }
make_http_tool() { rust_crate http_tool; }
make_http_get() { rust_crate http_get; }

make_js_tool() {
	copy js_tool
	componentize-js "$place/js_tool/js_tool.js" --wit "$place/js_tool/wit" --world-name tool --disable http fetch-event --out "$place/js_tool/whole.wasm"
	wasm-tools strip --all "$place/js_tool/whole.wasm" -o "$place/js_tool/js_tool.wasm"
	take js_tool
}

# The engine of componentize-js has its fetch event as WASI 0.2.10 has HTTP.
make_js_http() {
	copy js_http
	sed -i 's/0\.2\.12/0.2.10/g' "$place"/js_http/wit/deps/*/*.wit
	componentize-js "$place/js_http/js_http.js" --wit "$place/js_http/wit" --world-name server --out "$place/js_http/whole.wasm"
	wasm-tools strip --all "$place/js_http/whole.wasm" -o "$place/js_http/js_http.wasm"
	take js_http js_tool
}

make_js_net() {
	copy js_net
	(cd "$place/js_net" && componentize-qjs --wit wit --world net --js js_net.js --sync --opt-size --output js_net.wasm)
	take js_net
}

make_python_tool() {
	copy python_tool
	(cd "$place/python_tool" && componentize-py --wit-path wit --world tool componentize python_tool -o whole.wasm)
	wasm-tools strip --all "$place/python_tool/whole.wasm" -o "$place/python_tool/python_tool.wasm"
	take python_tool
}

make_python_http() {
	copy python_http
	(cd "$place/python_http" && componentize-py --wit-path wit --world server componentize python_http -o whole.wasm)
	wasm-tools strip --all "$place/python_http/whole.wasm" -o "$place/python_http/python_http.wasm"
	take python_http python_tool
}

all="c_tool c_files c_copy c_net c_bindings functions rust_tool rust_files rust_net composed missing_import http_hello http_tool http_get http_counter c_counter
	adapted_args adapted_cat adapted_files adapted_exit_code go_tool cpp_tool zig_tool js_tool js_net python_tool c_http go_http js_http python_http http_start_loop http_start_trap"
for guest in ${*:-$all}; do
	echo "$guest"
	"make_$guest"
done
