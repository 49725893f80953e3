;; Makes a shared memory, which is of no use without threads and refused.
(module
  (memory (export "memory") 1 1 shared)
  (func $start (export "_start")))
