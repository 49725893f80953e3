// Package detached opens a host directory as a mount of its own that hangs in no mount namespace.
//
// What is executed or mapped inside a container but is not of the container (the runner, the compiled module) is reached
// through such a descriptor: it works after pivot_root, it cannot be seen or unmounted from inside, it goes away with its
// last user, and its flags are ours whatever the host's are: read-only, no set-user-ID, no devices, and executable even
// where /var is mounted noexec.
package detached
