;; Copies standard input to standard output by blocking-splice, until the end, then flushes.
(component
  (import "wasi:io/error@0.2.0" (instance $error-interface
    (export "error" (type (sub resource)))))
  (alias export $error-interface "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error (type $outer-error))
    (export "error" (type $error (eq $outer-error)))
    (export "input-stream" (type $input-stream (sub resource)))
    (export "output-stream" (type $output-stream (sub resource)))
    (type $stream-error' (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $stream-error')))
    (export "[method]output-stream.blocking-flush" (func
      (param "self" (borrow $output-stream)) (result (result (error $stream-error)))))
    (export "[method]output-stream.blocking-splice" (func
      (param "self" (borrow $output-stream)) (param "src" (borrow $input-stream)) (param "len" u64)
      (result (result u64 (error $stream-error)))))))
  (alias export $streams "input-stream" (type $input-stream))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:cli/stdin@0.2.0" (instance $stdin
    (alias outer 1 $input-stream (type $outer))
    (export "input-stream" (type $input-stream (eq $outer)))
    (export "get-stdin" (func (result (own $input-stream))))))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output-stream (type $outer))
    (export "output-stream" (type $output-stream (eq $outer)))
    (export "get-stdout" (func (result (own $output-stream))))))

  (core module $libc (memory (export "memory") 1))
  (core instance $libc (instantiate $libc))
  (core func $in (canon lower (func $stdin "get-stdin")))
  (core func $out (canon lower (func $stdout "get-stdout")))
  (core func $flush (canon lower (func $streams "[method]output-stream.blocking-flush") (memory $libc "memory")))
  (core func $splice (canon lower (func $streams "[method]output-stream.blocking-splice") (memory $libc "memory")))

  (core module $main
    (import "libc" "memory" (memory 1))
    (import "host" "in" (func $in (result i32)))
    (import "host" "out" (func $out (result i32)))
    (import "host" "flush" (func $flush (param i32 i32)))
    (import "host" "splice" (func $splice (param i32 i32 i64 i32)))
    (func (export "run") (result i32)
      (local $in i32) (local $out i32)
      (local.set $in (call $in))
      (local.set $out (call $out))
      (loop $next
        (call $splice (local.get $out) (local.get $in) (i64.const 65536) (i32.const 0))
        (br_if $next (i32.eqz (i32.load8_u (i32.const 0)))))
      (if (i32.ne (i32.load8_u (i32.const 8)) (i32.const 1)) ;; not closed, but failed
        (then (return (i32.const 1))))
      (call $flush (local.get $out) (i32.const 0))
      (i32.load8_u (i32.const 0))))
  (core instance $main (instantiate $main
    (with "libc" (instance $libc))
    (with "host" (instance (export "in" (func $in)) (export "out" (func $out)) (export "flush" (func $flush)) (export "splice" (func $splice))))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
