// Package guests holds the Wasm programs the tests run, each in a folder of its own with its source:
//
//   - from .wat and C: the .wasm is committed beside the source; rebuild.sh renews all of them and names the tools;
//   - from Go (hello, tool): too large to commit, built into build/guests when a test first asks;
//   - in the folder component: components for WASI 0.2 from C, Rust, Go, JavaScript and Python, which component/rebuild.sh
//     renews. The large ones are committed as .wasm.zst and unpacked into build/guests when a test first asks.
//
// Path and Bytes find either by the folder's name, Component those of the third kind. Bad makes files that are no guest at all.
package guests
