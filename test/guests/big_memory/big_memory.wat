;; Asks for 64 MiB of memory from the start, more than a small memory limit leaves.
(module
  (memory (export "memory") 1024)
  (func $start (export "_start")))
