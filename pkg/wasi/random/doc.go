// Package random is wasi:random: secure random numbers, which are the kernel's, insecure ones, which are a generator's that the kernel
// seeds, and the seed for hash maps.
//
// The insecure ones are of ChaCha8, so that a guest that mistakes them for the others is not lost.
package random
