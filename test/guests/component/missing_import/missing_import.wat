;; A command that needs what no host of ours has: an interface of nobody's, a version of WASI that there is not yet, a function that
;; an interface there is does not have, and a plain function.
(component
  (import "wasmgo:nowhere/door@1.2.3" (instance (export "open" (func (param "key" string) (result bool)))))
  (import "wasi:random/random@0.9.0" (instance (export "get-random-u64" (func (result u64)))))
  (import "wasi:random/insecure@0.2.0" (instance (export "roll-dice" (func (result u32)))))
  (import "bell" (func))
  (core module $code (func (export "run") (result i32) i32.const 0))
  (core instance $code (instantiate $code))
  (func $run (result (result)) (canon lift (core func $code "run")))
  (instance $cli (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $cli)))
