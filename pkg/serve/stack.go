package serve

// The file stack.c is all there is to do: guests run on the threads of Go's runtime here, not on one of their own.

// #include <stddef.h>
import "C"
