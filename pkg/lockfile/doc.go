// Package lockfile is mutual exclusion between processes that share a directory: whoever holds the lock of a name may make
// the thing of that name, and everyone else waits.
//
// A lock is flock(2) on a file of that name. The kernel gives it up when the holder closes the file or dies, in whatever
// way, so there is no stale lock and nothing to repair. The file is removed on unlock, so no litter stays behind; after a
// crash the next holder removes it.
//
// Waiting is polling with LOCK_NB, at most every 20 ms. A blocking flock cannot be cancelled from Go: it would leave a
// goroutine and a thread behind that nobody owns. inotify reports the close of the holder's file before the kernel drops
// the lock, so a waiter that trusts it can miss its turn. What is waited for here takes 100 ms to minutes.
package lockfile
