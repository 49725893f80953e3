;; Imports of another version, of a proposal, of another component, and of a type that differs.
(component
  (import "wasi:cli/stdout@0.3.0" (instance))
  (import "wasi:blobstore/blobstore@0.2.0-draft" (instance))
  (import "me:mine/own" (instance))
  (import "wasi:cli/exit@0.2.0" (instance (export "exit" (func (param "status" u8))))))
