// Package guests holds the Wasm programs the tests run, each in a folder of its own with its source:
//
//   - from .wat and C: the .wasm is committed beside the source; rebuild.sh renews all of them and names the tools;
//   - from Go (hello, tool): too large to commit, built into build/guests when a test first asks.
//
// Path and Bytes find either by the folder's name. Bad makes files that are no guest at all.
package guests
