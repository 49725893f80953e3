// Package task is containerd's Task service: the RPCs by which containerd creates, starts, watches and deletes the
// containers of one shim, and the events that tell the world of it.
//
//	RPC handlers ──inputs──▶ lifecycle (pure) ──events──▶ Publisher (1 goroutine, FIFO, retries the head)
//	1 waiter per process ─▶    under container.mu,  └────▶ settled channels (Wait), answers (State)
//	                           microseconds only
//
// There is one file per verb. What a verb does that may block, it does outside any lock; then it says what happened to
// the lifecycle, under container.mu, and the events that follow are queued under the same lock: the order in which
// they are published is the order in which the states changed.
//
//	state           beginStart   endStart ok            endStart failed      exited                    remove         API
//	-----           ----------   -----------            ---------------      ------                    ------         ---
//	created         → starting¹  –                      –                    → stopped, no event²      exec only³     CREATED
//	starting        refused      → running, start;      → stopped, no event  kept                      refused        CREATED
//	                             then the kept exit
//	running         refused      –                      –                    → stopped, [oom,] exit;   refused        RUNNING
//	                                                                         init with a busy exec:
//	                                                                         → stopping
//	stopping (init) refused      –                      –                    – (last exec's exit:      refused        RUNNING
//	                                                                         → stopped, [oom,] exit)
//	stopped         refused      –                      –                    ignored                   → gone, delete STOPPED
//
// ¹ An exec only while the init is running. ² A process that never started has nothing to announce; Wait returns all the
// same. ³ Delete of a created container kills it first.
//
// Paused is a flag beside the states: a frozen container is still running.
//
// The package knows containerd's API and nothing of namespaces or Wasm: launch.go says what it needs of a sandbox.
package task
