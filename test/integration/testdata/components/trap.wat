;; A command of WASI 0.2 that traps three calls deep.
(component
  (core module $main
    (func $inner unreachable)
    (func $outer call $inner)
    (func (export "run") (result i32) call $outer i32.const 0))
  (core instance $main (instantiate $main))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run)))
