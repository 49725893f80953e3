// Package memory is buckets in the memory of this process: those of a container that names no other store. They live as long as it, all its
// instances have the same ones, and together they are bounded.
//
// A bucket is there when something is in it. Numbers are decimal text, as in Redis, so that a guest sees the same with either.
package memory
