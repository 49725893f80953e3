// Package native hands containers whose entrypoint is no WebAssembly, but a program for the host's kernel or a script, to
// containerd-shim-runc-v2, which runs them as it always does. This shim starts one, for all native containers that it serves, when the
// first is created, and ends it after the last:
//
//	containerd             this shim                                    containerd-shim-runc-v2
//	----------             ---------                                    -----------------------
//	Create, Start, … ────▶ Service: whose is the container?
//	                         task.Service (Wasm)
//	                         or its peer                    ──ttrpc───▶ runc create, start, …
//	                                                                    reaps the container's processes
//	Forward          ◀──── Publisher, one queue for all     ◀──ttrpc─── publishes to TTRPC_ADDRESS,
//	                                                                    which is a socket of ours
//
// Messages pass through as they are, in both directions, and so do errors: whoever knows runc meets runc. The bundle is containerd's
// own, the root file system is mounted in it and unmounted by runc's shim, as without us. What is ours:
//
//   - the choice (Find), by the content of the file that the first argument names, before anything is built;
//   - the options: those for runc in whatever form ours have come (runcOptions);
//   - events go through our publisher's queue, which keeps their order with those of a pod's Wasm containers, and keeps them while
//     containerd is away. The exit of an init is put down in exit.json on the way, for the launcher's delete;
//   - the end of runc's shim before its containers: they are cleaned up by its own delete, and are stopped with 137 (lost);
//   - the end of this shim before its containers: native.json in the bundle says what Reclaim needs to know.
//
// The peer runs in /run/wasmgo/native/<random>, which holds its log, a FIFO that is copied to ours, and the sockets. No other
// process could find it there by a name, so one runc shim of a pod under the plain runtime and this one never meet.
package native
