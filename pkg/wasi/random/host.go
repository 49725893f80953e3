package random

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/component/wit"
	wasiio "wasmgo/pkg/wasi/io"
)

// maxBytes is how many bytes a guest gets in one call: more do not fit into a list of the component model.
const maxBytes = 1<<28 - 1

// A Host is wasi:random for one instance.
type Host struct {
	generator *rand.ChaCha8 // of insecure numbers, once a guest has asked for some
}

// New makes a host.
func New() *Host { return &Host{} }

// Interfaces are those of the package wasi:random.
func (h *Host) Interfaces() []*wit.Interface {
	return []*wit.Interface{
		wit.Later("wasi:random/insecure-seed@"+wasiio.Version, h.insecureSeedInterface),
		wit.Later("wasi:random/insecure@"+wasiio.Version, h.insecureInterface),
		wit.Later("wasi:random/random@"+wasiio.Version, h.randomInterface),
	}
}

// insecure is the generator of insecure numbers.
func (h *Host) insecure() (*rand.ChaCha8, error) {
	if h.generator == nil {
		var seed [32]byte
		if err := read(seed[:]); err != nil {
			return nil, err
		}
		h.generator = rand.NewChaCha8(seed)
	}
	return h.generator, nil
}

// read fills b from the kernel's generator, by getrandom(2): crypto/rand brings a good deal with it that every start of every guest would
// pay for. The call fails where it is forbidden, and returns less than what was asked for when signals come.
func read(b []byte) error {
	for len(b) > 0 {
		n, err := unix.Getrandom(b, 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("getrandom", err)
		}
		b = b[max(n, 0):]
	}
	return nil
}

// word is a number from the kernel's generator.
func word() (uint64, error) {
	var b [8]byte
	err := read(b[:])
	return binary.NativeEndian.Uint64(b[:]), err
}

// octets are n bytes that fill puts into the memory of the guest.
func octets(k *wit.Call, n uint64, fill func([]byte) error) (wit.Buffer, error) {
	if n > maxBytes {
		return wit.Buffer{}, wasiio.Misuse("more random bytes asked for than fit into a list")
	}
	b, err := k.Buffer(int(n))
	if err != nil {
		return b, err
	}
	return b, fill(b.Bytes)
}
