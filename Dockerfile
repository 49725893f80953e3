# The shim for the platform that this is built on, with nothing installed but Docker:
#
#   docker build --output . .
#
# GO_IMAGE is any image of Debian 12 or later with Go 1.26, make and git.
ARG GO_IMAGE=golang:1.26-bookworm
FROM ${GO_IMAGE} AS build
RUN command -v gcc >/dev/null && [ -e /usr/include/seccomp.h ] || \
	{ apt-get update -qq && apt-get install -qq -y --no-install-recommends gcc libc6-dev libseccomp-dev; }
ENV GOCACHE=/cache/build GOMODCACHE=/cache/modules
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/cache \
	make build && cp build/bin/containerd-shim-wasmgo-v1 /

FROM scratch
COPY --from=build /containerd-shim-wasmgo-v1 /
