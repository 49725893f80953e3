;; A command of WASI 0.2 that writes 64 KiB to its standard output 16384 times, by check-write and write, which is 1 GiB, and flushes.
(component
  (import "wasi:io/error@0.2.0" (instance $error-interface
    (export "error" (type (sub resource)))))
  (alias export $error-interface "error" (type $error))
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $pollable (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $pollable))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (alias outer 1 $pollable (type $outer-pollable))
    (export "pollable" (type $pollable (eq $outer-pollable)))
    (export "output-stream" (type $output-stream (sub resource)))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "[method]output-stream.check-write" (func
      (param "self" (borrow $output-stream)) (result (result u64 (error $stream-error)))))
    (export "[method]output-stream.write" (func
      (param "self" (borrow $output-stream)) (param "contents" (list u8)) (result (result (error $stream-error)))))
    (export "[method]output-stream.blocking-flush" (func
      (param "self" (borrow $output-stream)) (result (result (error $stream-error)))))
    (export "[method]output-stream.subscribe" (func
      (param "self" (borrow $output-stream)) (result (own $pollable))))))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output-stream (type $outer))
    (export "output-stream" (type $output-stream (eq $outer)))
    (export "get-stdout" (func (result (own $output-stream))))))

  (core module $libc (memory (export "memory") 2))
  (core instance $libc (instantiate $libc))
  (core func $get (canon lower (func $stdout "get-stdout")))
  (core func $check (canon lower (func $streams "[method]output-stream.check-write") (memory $libc "memory")))
  (core func $write (canon lower (func $streams "[method]output-stream.write") (memory $libc "memory")))
  (core func $flush (canon lower (func $streams "[method]output-stream.blocking-flush") (memory $libc "memory")))
  (core func $subscribe (canon lower (func $streams "[method]output-stream.subscribe")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))

  (core module $main
    (import "libc" "memory" (memory 2))
    (import "host" "get" (func $get (result i32)))
    (import "host" "check" (func $check (param i32 i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "host" "flush" (func $flush (param i32 i32)))
    (import "host" "subscribe" (func $subscribe (param i32) (result i32)))
    (import "host" "block" (func $block (param i32)))
    (func (export "run") (result i32)
      (local $stream i32) (local $pollable i32) (local $left i32)
      (local.set $stream (call $get))
      (local.set $pollable (call $subscribe (local.get $stream)))
      (local.set $left (i32.const 16384))
      (loop $next
        (call $check (local.get $stream) (i32.const 0))
        (if (i32.load8_u (i32.const 0)) (then (return (i32.const 1))))
        (if (i64.lt_u (i64.load (i32.const 8)) (i64.const 65536))
          (then (call $block (local.get $pollable)) (br $next)))
        (call $write (local.get $stream) (i32.const 65536) (i32.const 65536) (i32.const 0))
        (if (i32.load8_u (i32.const 0)) (then (return (i32.const 1))))
        (br_if $next (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
      (call $flush (local.get $stream) (i32.const 0))
      (i32.load8_u (i32.const 0))))
  (core instance $main (instantiate $main
    (with "libc" (instance $libc))
    (with "host" (instance
      (export "get" (func $get)) (export "check" (func $check)) (export "write" (func $write)) (export "flush" (func $flush))
      (export "subscribe" (func $subscribe)) (export "block" (func $block))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
