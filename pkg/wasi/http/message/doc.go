// Package message is HTTP as wasi:http has it, in plain Go: fields, error codes, and bodies that a guest reads and writes without
// blocking while a connection does so at its own pace.
//
// A body is between two goroutines. The guest's never blocks: it asks what there is, or how much fits, and waits in its poller, which
// wake tells of changes. The connection's blocks in the network, and in the body when that is full or empty; so each side slows the other
// down and no more than a few buffers are ever held.
//
//	        guest's goroutine                    the connection's
//	        -----------------                    ----------------
//	Incoming   Read, Watch    ◀── two buffers ──  a goroutine of the body's that reads the connection
//	Outgoing   CheckWrite, Write ── one buffer ──▶ Read, by the HTTP client or by whoever sends a response
package message
