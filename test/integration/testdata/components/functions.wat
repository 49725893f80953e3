;; Functions at the root and in an interface, and no wasi:cli/run.
(component
  (core module $m
    (func (export "fine"))
    (func (export "fails") (result i32) i32.const 1)
    (func (export "takes") (param i32)))
  (core instance $i (instantiate $m))
  (func $fine (canon lift (core func $i "fine")))
  (func $fails (result (result)) (canon lift (core func $i "fails")))
  (func $takes (param "x" u32) (canon lift (core func $i "takes")))
  (instance $tools (export "fails" (func $fails)))
  (export "fine" (func $fine))
  (export "takes" (func $takes))
  (export "my:tools/all@1.2.0" (instance $tools)))
