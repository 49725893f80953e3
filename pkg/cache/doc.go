// Package cache keeps compiled modules on disk, so that a module is compiled once for each host, runner and processor, by one
// worker for any number of shims.
//
//	shim A                       <root>/code                          shim B
//	------                       -----------                          ------
//	read module, its digest      KEY = module, runner, CPU            read module, its digest
//	no KEY/                                                           no KEY/
//	takes KEY.lock      ───────▶ KEY.lock                             waits for KEY.lock
//	makes KEY.tmp/      ───────▶ KEY.tmp/{code,meta}
//	 └ worker (confined) writes code, is checked
//	renames, unlocks    ───────▶ KEY/{code,meta}                      has the lock, sees KEY/
//	hands KEY/ to the runner                                          hands KEY/ to the runner
//
// A lock dies with its holder and a worker with its shim, so a shim that is killed in the middle leaves a KEY.tmp that is never
// looked at, and the next in line starts anew. What has the name KEY is complete and on stable storage.
//
// The machine code in here runs in containers: whoever can write below root controls them all. So everything below root is
// reachable by its owner only (0700); the files themselves are open to all, because the runner reads them as the
// container's user, through a mount of its own (package detached). The worker never sees root: it gets a module and
// gives back code.
//
// The container's own files are believed in nothing. A module may change while it is read: what counts is the digest of the
// bytes that went to the worker. Names, sizes and times of the file are not part of any decision (see content.go).
//
// # The life of an entry
//
//	           make (keep.go)                      evict, discard
//	no KEY  ───────────────────▶  KEY, not in use ───────────────▶ no KEY
//	                                │         ▲
//	         Entry: shared flock on │         │ the last descriptor of it closed:
//	         the directory (entry.go)         │ Entry.Close and the end of the runner
//	                                ▼         │
//	                              KEY, in use
//
// An entry is evicted (evict.go) by whoever has both KEY.lock, so that nobody makes it, and an exclusive flock on its directory, so
// that nobody uses it. It loses its name before its files. The shared lock is on the open directory that the runner inherits
// as handover.CodeFD and keeps: it outlives the shim, and the kernel takes it away with the runner. Who opens an entry that is
// being evicted goes the long way over KEY.lock, and finds it gone or made again.
//
// Length and both ends of every file are compared at each use, the whole at the first after a boot (boot.go) and by Verify. What is
// damaged is discarded under KEY.lock whether it is in use or not, and made again.
//
// What a worker found wrong with a module is an entry too, with no files: it would find the same again, as slowly (keep.go).
// Components are entries of several files, links to those of their core modules (component.go).
package cache
