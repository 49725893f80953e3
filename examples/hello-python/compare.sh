#!/bin/bash
# Runs hello-wasm-world three times side by side: by this machine's python3, compiled to Wasm in docker, and by CPython for WASI in docker.
# Builds first what is not there. Each runs RUNS times (5), and the best is shown: other programs can only make it slower.
set -euo pipefail
cd "$(dirname "$0")"
runtime=${RUNTIME:-io.containerd.wasmgo.v1}
command -v docker >/dev/null || { echo "docker is not on the PATH" >&2; exit 1; }
native=${NATIVE:-python3}

[ -e build/hello-wasm-world.wasm ] || ./build.sh
docker buildx build -q --platform wasi/wasm -t hello-python . >/dev/null
names=(native hello-python)
if [ -d build/python ]; then
	docker buildx build -q --platform wasi/wasm -f cpython.Dockerfile -t hello-cpython . >/dev/null
	names+=(hello-cpython)
fi

# run NAME: the program's own words.
run() {
	if [ "$1" = native ]; then
		"$native" hello-wasm-world.py
	else
		docker run --rm --runtime "$runtime" --platform wasi/wasm "$1"
	fi
}

for name in "${names[@]}"; do
	run "$name" >/dev/null # compiles it to machine code, once
	for ((i = 0; i < ${RUNS:-5}; i++)); do
		run "$name" | sed "s/^/$name /"
	done
done | awk '
	!($1 in order) { order[$1] = ++count; name[count] = $1 }
	/ sum of range/ { if (!($1 in sum) || $(NF-1) < sum[$1]) sum[$1] = $(NF-1) }
	/ pystone: / { if ($(NF-1) > stones[$1]) stones[$1] = $(NF-1) }
	END {
		printf "%-14s %14s %12s %8s\n", "", "range sum (ms)", "pystones/s", "ratio"
		for (i = 1; i <= count; i++) {
			n = name[i]
			if (!stones[n]) { print n ": no figure" > "/dev/stderr"; exit 1 }
			printf "%-14s %14.3f %12d %8.2f\n", n, sum[n], stones[n], stones[n] / stones[name[1]]
		}
	}'
