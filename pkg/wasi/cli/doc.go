// Package cli is wasi:cli: arguments, environment, standard streams, terminals, and the exit.
//
// A standard stream is a descriptor that the container was given: a named pipe, a file, a terminal, a socket, /dev/null. Strangers share
// its open file description (the client at the other end of a terminal, say), so O_NONBLOCK, which belongs to the description, is
// neither set nor taken away, and either way of it works.
//
//	reading from                            is
//	sockets; pipes of Linux 6.4 and later   preadv2(2) with RWF_NOWAIT, which does not wait
//	terminals, named pipes, older pipes     poll(2), then read(2): that waits only if a stranger takes in between what there was
//	files, /dev/null                        read(2)
//
// Writing is write(2) from the guest's memory. A guest that asks before it writes, as it must, is told to wait while a pipe is full; one
// with room for a little takes the rest as its reader does, and write waits for that as a native program's would.
package cli
