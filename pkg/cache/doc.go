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
// What is evicted, and when, is not decided here yet: an entry's directory is touched when it is used.
package cache
