// Package pack makes container images out of files: OCI image archives with tar layers, as `ctr image import` and `docker
// load` take them. It is what a Dockerfile with FROM scratch and COPY would give, without a builder.
package pack
