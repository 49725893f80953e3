# wasmgo: `make help` lists what there is to do. Nothing here is needed to understand the code; every step is one command.

comma   := ,
PREFIX  ?= /usr/local
DESTDIR ?=
BENCH   ?= .
# Inputs per Fuzz function: enough that none rots, few enough for every run.
FUZZ_INPUTS ?= 3000

SHIM    := build/bin/containerd-shim-wasmgo-v1
PARTS   := build/programs/shim build/programs/wasmgo build/programs/runner/runner build/programs/runner/pause build/programs/http/runner build/programs/toolbox.wasm
ARCHIVE := cmd/containerd-shim-wasmgo-v1/archive/programs
# Kubernetes takes longer to build than all the others together, so only its own test asks for it.
CLUSTER := $(notdir $(wildcard test/tools/kubernetes-* test/tools/etcd-* test/tools/metrics-server-*))
TOOLS   := $(filter-out $(CLUSTER),$(notdir $(wildcard test/tools/*)))
SOURCES := go.mod go.sum $(shell find cmd pkg -name '*.[ch]' -o -name '*.go' -not -name '*_test.go' -not -path '*/testdata/*')
# The linker warns of functions in Wasmtime that a static program had better not call (name look-ups); none is.
QUIET   := $(if $(shell ld --help 2>/dev/null | grep -e --no-warnings),-Wl$(comma)--no-warnings)
IS_ROOT := $(filter 0,$(shell id -u))

# Another architecture: make build ARCH=arm64 CC=aarch64-linux-gnu-gcc, as scripts/release does. VCS=true has the commit in the programs.
ARCH ?= $(shell go env GOARCH)
CC   := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
VCS  ?= false
export CC

export GOFLAGS += -buildvcs=$(VCS)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
# The suites share processors and control groups with each other; go builds and tests in parallel by itself.
.NOTPARALLEL:

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="	" read -r name text; do printf '%-14s %s\n' "$$name" "$$text"; done

build: $(SHIM) ## the shim, one file with all programs inside, into build/bin

# The runner is cgo with Wasmtime, and static, so that it runs on any distribution and in any container.
build/programs/runner/runner: RUNNER := ./cmd/wasmgo-runner
build/programs/http/runner: RUNNER := ./cmd/wasmgo-runner-http
build/programs/runner/runner build/programs/http/runner: $(SOURCES)
	@scripts/require go gcc libseccomp
	@mkdir -p $(@D)
	GOARCH=$(ARCH) CGO_ENABLED=1 go build -trimpath -tags netgo,osusergo -ldflags '-s -w -linkmode external -extldflags "-static $(QUIET)"' -o $@ $(RUNNER)
	@touch $@

build/programs/runner/pause: cmd/wasmgo-pause/pause.c
	@scripts/require gcc
	@mkdir -p $(@D)
	$(CC) -Os -Wall -Wextra -Werror -static -s -o $@ $<

build/programs/toolbox.wasm: go.mod go.sum scripts/toolbox $(wildcard cmd/wasmgo-toolbox/*.go cmd/wasmgo-toolbox/_interp/*.go pkg/toolbox/*.go pkg/toolbox/abi/*.go pkg/toolbox/system/*.go)
	scripts/toolbox $@

build/programs/shim: $(SOURCES)
	@mkdir -p $(@D)
	GOARCH=$(ARCH) CGO_ENABLED=0 go build -trimpath -tags no_grpc -ldflags '-s -w' -o $@ ./cmd/wasmgo-shim
	@touch $@

build/programs/wasmgo: $(SOURCES)
	@mkdir -p $(@D)
	GOARCH=$(ARCH) CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $@ ./cmd/wasmgo
	@touch $@

# Packing takes longer than linking: programs that came out the same are not packed again.
$(ARCHIVE): $(PARTS)
	@if test -f $@ && sha256sum --check --status build/packed 2>/dev/null; then touch $@; \
	else echo "packing the programs" && go run ./pkg/programs/pack build/programs $@ && sha256sum $(PARTS) > build/packed; fi

$(SHIM): $(ARCHIVE) $(SOURCES)
	GOARCH=$(ARCH) CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o $@ ./cmd/containerd-shim-wasmgo-v1
	@touch $@

tools: $(TOOLS:%=build/tools/%/.built) ## the pinned containerd, runc, dockerd ... of the tests, into build/tools

build/tools/%/.built: test/tools/%/go.mod test/tools/%/go.sum
	@scripts/require go
	@scripts/tool $*

demo: need-host build build/tools/containerd-2.4.2/.built build/examples/hello.tar ## run examples/hello under a containerd of its own, as root
	@scripts/demo

build/examples/hello.wasm: examples/hello/main.go
	GOOS=wasip1 GOARCH=wasm go build -trimpath -ldflags '-s -w' -o $@ ./examples/hello

build/examples/hello.tar: build/examples/hello.wasm $(wildcard examples/hello/pack/*.go test/pack/*.go)
	go run ./examples/hello/pack $< $@

test: ## every test; without root those that need none
	@scripts/require go
	@rm -rf build/suites
	@$(MAKE) --no-print-directory --keep-going suites; status=$$?; go run ./test/suite total && exit $$status
.PHONY: suites
suites: lint unit fuzz race $(if $(IS_ROOT),integration,no-integration) vm

lint: build/tools/staticcheck-0.8.2/.built build/tools/gofumpt-0.12.0/.built ## gofumpt, go vet, staticcheck, shell syntax
	@scripts/lint

unit: build ## the tests of every package; those that need root skip without it
	@go run ./test/suite run unit ./pkg/... ./cmd/... ./test/arrows/... ./test/direct/... ./test/guests/... ./test/pack/... ./test/suite/... ./examples/...

race: build ## the same packages under the race detector
	@go run ./test/suite run race -race ./pkg/... ./cmd/...

fuzz: build ## every Fuzz function for FUZZ_INPUTS inputs
	@go run ./test/suite fuzz $(FUZZ_INPUTS)

integration: need-network need-clients need-host build tools ## against real daemons, as root: containerd 2.4 and 1.7, dockerd
	@go run ./test/suite run integration -timeout 30m ./test/daemon/... ./test/integration/...

.PHONY: no-integration
no-integration:
	@go run ./test/suite left-out integration "needs root: sudo make test"

vm: build ## the root tests on other kernels, under qemu: cgroup v2, and with systemd
	@go run ./test/suite run vm -count 1 -timeout 20m ./test/vm/...

bench: need-host build tools ## measure wasmgo beside runc, as root; BENCH=regexp chooses
	@mkdir -p build/bench
	@go test -c -o build/bench/bench.test ./test/bench
	@build/bench/bench.test -test.timeout 30m -test.run 'TestMeasure/($(BENCH))' -bench.out build/bench/results.json

kubernetes-test: need-network need-host build tools $(CLUSTER:%=build/tools/%/.built) ## a node of Kubernetes 1.36 and deploy/ on it, as root
	@go run ./test/suite run kubernetes -count 1 -parallel 8 -timeout 15m ./test/kubernetes/...

conformance: need-network need-host build tools ## the tests containerd and Kubernetes have for runtimes, under wasmgo and under runc, as root
	@go test -count 1 -timeout 45m -v ./test/conformance/...

# Asked before anything is built for minutes.
.PHONY: need-host need-network need-clients
need-host:
	@scripts/require root go gcc libseccomp overlayfs cgroups
need-network:
	@scripts/require root iptables ip
need-clients:
	@scripts/require clients

guests: ## make the committed .wasm files of test/guests anew
	test/guests/rebuild.sh

man: ## make the man pages in docs/man anew; a test says when they are stale
	go test ./cmd/wasmgo -run TestManPagesAreCurrent -update

install: build ## put the shim where containerd and dockerd find it (PREFIX, DESTDIR), and its man pages
	install -D -m 0755 $(SHIM) $(DESTDIR)$(PREFIX)/bin/$(notdir $(SHIM))
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 0644 docs/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1

release: ## tarballs for ARCHS (amd64 arm64) with checksums and a bill of materials, into build/release
	@scripts/release

clean: ## remove everything that was built
	rm -rf build $(ARCHIVE)

.PHONY: help build tools demo test lint unit race fuzz integration vm kubernetes-test conformance bench guests man install release clean
