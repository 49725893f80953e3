package random

import (
	"crypto/rand"
	"encoding/binary"
	mathrand "math/rand/v2"

	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

// maxBytes is how many bytes a guest gets in one call: more do not fit into a list of the component model.
const maxBytes = 1<<28 - 1

// A Host is wasi:random for one instance.
type Host struct{ insecure *mathrand.ChaCha8 }

// New makes a host.
func New() *Host {
	var seed [32]byte
	read(seed[:])
	return &Host{insecure: mathrand.NewChaCha8(seed)}
}

// Interfaces are those of the package wasi:random.
func (h *Host) Interfaces() []*wit.Interface {
	return []*wit.Interface{h.insecureSeedInterface(), h.insecureInterface(), h.randomInterface()}
}

// read fills b from the kernel's generator, which crypto/rand promises to do or to end the process.
func read(b []byte) { _, _ = rand.Read(b) }

func word() uint64 {
	var b [8]byte
	read(b[:])
	return binary.NativeEndian.Uint64(b[:])
}

// octets are n bytes of a generator.
func octets(n uint64, fill func([]byte)) ([]byte, error) {
	if n > maxBytes {
		return nil, wasiio.Misuse("more random bytes asked for than fit into a list")
	}
	b := make([]byte, n)
	fill(b)
	return b, nil
}
