;; Traps four calls deep; argument count chooses how: none unreachable, one a load out of bounds, two a division by
;; zero, three a call of a null table entry.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (table 1 funcref)
  (func $inner
    (local $n i32)
    (drop (call $args_sizes_get (i32.const 0) (i32.const 4)))
    (local.set $n (i32.load (i32.const 0)))
    (if (i32.eq (local.get $n) (i32.const 2)) (then (drop (i32.load (i32.const 0x7fffffff)))))
    (if (i32.eq (local.get $n) (i32.const 3)) (then (drop (i32.div_s (i32.const 1) (i32.const 0)))))
    (if (i32.eq (local.get $n) (i32.const 4)) (then (call_indirect (i32.const 0))))
    unreachable)
  (func $middle (call $inner))
  (func $outer (call $middle))
  (func $start (export "_start") (call $outer)))
