;; Grows its memory by 1 MiB until that fails or 1 GiB is reached, touching every page, then exits with the number of
;; MiB it got, divided by 4, at most 255; it prints a dot for each 16 MiB.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) ".")
  (func $touch (param $from i32) (param $to i32)
    (loop $next
      (i32.store8 (local.get $from) (i32.const 1))
      (local.set $from (i32.add (local.get $from) (i32.const 4096)))
      (br_if $next (i32.lt_u (local.get $from) (local.get $to)))))
  (func $start (export "_start")
    (local $old i32) (local $mib i32)
    (loop $more
      (local.set $old (memory.grow (i32.const 16)))
      (if (i32.and (i32.ne (local.get $old) (i32.const -1)) (i32.lt_u (local.get $mib) (i32.const 1024)))
        (then
          (call $touch (i32.shl (local.get $old) (i32.const 16)) (i32.shl (memory.size) (i32.const 16)))
          (local.set $mib (i32.add (local.get $mib) (i32.const 1)))
          (if (i32.eqz (i32.and (local.get $mib) (i32.const 15)))
            (then
              (i32.store (i32.const 0) (i32.const 16))
              (i32.store (i32.const 4) (i32.const 1))
              (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
          (br $more))))
    (call $proc_exit
      (select (i32.const 255) (i32.shr_u (local.get $mib) (i32.const 2))
        (i32.gt_u (i32.shr_u (local.get $mib) (i32.const 2)) (i32.const 255))))))
