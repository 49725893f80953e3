// Package imagefile is what the user's commands `image build`, `image convert` and `image inspect` do: images made of plain files,
// in any of the shapes (package manifest), without Docker and without a registry.
//
//	app.wasm ──build──▶ Store ──Put──▶ containerd's images          (--containerd NS)
//	archive, REF ──convert──▶   └────▶ OCI archive                  (-o FILE)
//	archive, REF, app.wasm ──inspect──▶ Report
//
// A Store is a content store of containerd's libraries: the running containerd's own, or a temporary directory out of which an
// archive is written, or into which one is read. Blobs go through it as streams; modules are read into memory to tell what
// they are, which is why none of this is ever done in a shim.
package imagefile
