;; Waits for its standard input to end and returns. The smallest guest that stays: it is what the memory of an idle
;; container is measured with.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func $wait (export "_start")
    (i32.store (i32.const 0) (i32.const 64)) ;; iovec at 0: buffer at 64 …
    (i32.store (i32.const 4) (i32.const 1024)) ;; … of 1024 bytes
    (loop $again
      (br_if $again
        (i32.and
          (i32.eqz (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
          (i32.ne (i32.load (i32.const 8)) (i32.const 0)))))))
