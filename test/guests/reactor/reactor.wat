;; A reactor: _initialize sets what serve prints, so serve called without it prints nothing.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (global $length (mut i32) (i32.const 0))
  (data (i32.const 16) "initialized, then served\n")
  (func $initialize (export "_initialize") (global.set $length (i32.const 25)))
  (func $serve (export "serve")
    (i32.store (i32.const 0) (i32.const 16))
    (i32.store (i32.const 4) (global.get $length))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
