// Package clocks is wasi:clocks: the monotonic clock, the wall clock, and the time zone.
//
// Both clocks are the kernel's, read without a system call. The monotonic one of a guest begins at 0 with the guest, so that what it
// shows tells nothing about the machine; it does not run while the machine sleeps, and does while the container is paused.
package clocks
