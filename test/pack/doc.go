// Package pack makes container images out of files, in all shapes: OCI image archives as `ctr image import` and `docker
// load` take them. With tar layers they are what a Dockerfile with FROM scratch and COPY would give, without a builder.
package pack
