// Package beneath is files and directories below a directory that is open, each by a descriptor: what wasi:filesystem does to the
// operating system, in plain Go. Errors are [unix.Errno] with what was done around them.
//
// A path is looked up from a [Descriptor] and leads nowhere else. The kernel holds that, also while somebody changes the tree
// (openat2(2)); where a seccomp profile or an old kernel has no openat2, a walk from component to component holds it:
//
//	path ─▶ check: relative, not empty, no NUL, shorter than PATH_MAX
//	          │
//	          ├─ the name of a child, and links not followed ──────▶ fstatat, mkdirat, unlinkat, … on the descriptor itself
//	          ├─ openat2: RESOLVE_BENEATH or RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS
//	          │    └─ EAGAIN time and again, or a link to / from a directory that has another as its root ─┐
//	          └─ walk: openat with O_NOFOLLOW, one component at a time; links are read and walked ◀────────┘
//
// What leads out is EPERM, WASI's not-permitted. A directory that was opened with [Options] Root is the guest's whole world: there "/"
// in a link and ".." at the top mean the directory itself, as they would for a process whose root it is. What is opened below is a
// capability of its own again, out of which nothing leads. See RATIONALE.md "Where do absolute symbolic links lead?"
//
// Opening waits for nobody: files are opened with O_NONBLOCK, so that a FIFO without a peer, a terminal or a device does not hold the
// guest up. Nothing depends on the process: no working directory, no umask, no /proc.
//
// A Descriptor and its streams belong to one goroutine at a time.
package beneath
