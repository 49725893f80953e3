;; Imports a WASI function under a type that is not its own.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func (param i64) (result i32)))
  (memory (export "memory") 1)
  (func $start (export "_start")))
