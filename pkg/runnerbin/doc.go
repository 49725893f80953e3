// Package runnerbin carries the runner, the guest half's program, inside the shim's binary and puts it on disk.
//
// The shim is pure Go and starts in milliseconds; the runner holds Wasmtime and is linked with cgo. They are two programs
// so that neither pays for the other, and one file so that installing is one step.
//
//	payload/runner.zst   made by `go run ./pkg/runnerbin/pack RUNNER` (make build does it), embedded here
//	    a zstd skippable frame: the label, 40 bytes (size and SHA-256 of the runner)
//	    zstd frames: the runner
//
//	<root>/runner/                       0700
//	<root>/runner/<digest>/              0755, entered by the runner's user through a mount of its own
//	<root>/runner/<digest>/runner        0755
//	<root>/runner/<digest>/fingerprint   what the runner says of itself in mode fingerprint
//
// The label makes the start of a container cheap: it says which directory to look for without unpacking or hashing
// anything. The content is compared with the label once, while it is unpacked.
//
// A shim built without a payload (go test, go run) takes the runner from WASMGO_RUNNER_PATH, or from the file
// wasmgo-runner beside the executable, and keeps a copy of it under a name made from the file's identity.
package runnerbin
