module wasmgo

go 1.26
