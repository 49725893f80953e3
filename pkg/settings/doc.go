// Package settings is the one table of what can be set, and how what is said in several places becomes one value. Parsing, the commented
// configuration file (`config default`), what is in force (`config show`) and the reference in docs/settings.md all come from the
// table; a new setting is a row in it, in table_<area>.go.
//
//	the operator                                                     the container
//	------------                                                     -------------
//	the row's default                                                (nothing)
//	  ▼                                                                ▼
//	/etc/wasmgo/config.toml            name = value                  WASMGO_NAME in its environment (an image's ENV, docker run -e)
//	  ▼                                                                ▼
//	containerd's environment           WASMGO_NAME                   annotation io.containerd.wasmgo.name
//	  ▼                                                                │
//	the runtime's options              name = value                    │
//	  └──────────────────────▶  the row's Rule  ◀──────────────────────┘
//	                                   ▼
//	                                 Values
//
// Lower in the picture wins. A container is whoever wrote its image or its pod, so the rule of each row says what it may: nothing, choose
// freely, choose below a bound, or add to a refusal.
//
// What is not in the table, has a wrong value, or stands where it may not is errdefs.ErrInvalidArgument, and the error names the key, where it
// stood, the reason and what would be right. Nothing is passed over.
//
// The launcher uses this package at every start of a container. So it imports little, the parser of TOML has no reflection, and without a
// file all it costs is an open(2).
package settings
