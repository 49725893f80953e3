package guests

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Component returns the absolute path of a component of the folder component, unpacked first if it is a large one: NAME.wasm.zst is the
// whole of it, NAME.wasm.from-OTHER.zst what is not in the component OTHER, which has the same engine of some language inside.
func Component(t testing.TB, name string) string {
	t.Helper()
	dir := filepath.Join(sources(t), "component", name)
	committed := filepath.Join(dir, name+".wasm")
	packed, base := committed+".zst", ""
	if patches, err := filepath.Glob(committed + ".from-*.zst"); err == nil && len(patches) == 1 {
		packed = patches[0]
		other := strings.TrimSuffix(strings.TrimPrefix(packed, committed+".from-"), ".zst")
		base = Component(t, other)
	}
	made, err := os.Stat(packed)
	if err != nil {
		return committed
	}
	out := filepath.Join(sources(t), "..", "..", "build", "guests", "component", name+".wasm")
	if have, err := os.Stat(out); err == nil && have.ModTime().Equal(made.ModTime()) {
		return filepath.Clean(out)
	}
	if err := Unpack(packed, base, out, made.ModTime()); err != nil {
		t.Fatal(err)
	}
	return filepath.Clean(out)
}

// Components returns the names of all components there are.
func Components(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(sources(t), "component", "*", "*.wasm*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no components: %v", err)
	}
	names := []string{}
	for _, path := range paths {
		name, _, _ := strings.Cut(filepath.Base(path), ".")
		names = append(names, name)
	}
	return names
}

// Unpack makes out, with a time by which it is known again, of a file of zstd's, which may go on from another file. The rename decides
// where several do so at once.
func Unpack(packed, base, out string, made time.Time) error {
	from, err := os.Open(packed)
	if err != nil {
		return err
	}
	defer from.Close()
	options := []zstd.DOption{zstd.WithDecoderMaxWindow(1 << 27)}
	if base != "" {
		b, err := os.ReadFile(base)
		if err != nil {
			return err
		}
		options = append(options, zstd.WithDecoderDictRaw(0, b))
	}
	r, err := zstd.NewReader(from, options...)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	to, err := os.CreateTemp(filepath.Dir(out), filepath.Base(out)+".*.new")
	if err != nil {
		return err
	}
	defer os.Remove(to.Name())
	defer to.Close()
	if err := to.Chmod(0o644); err != nil {
		return err
	}
	if _, err := r.WriteTo(to); err != nil {
		return err
	}
	if err := os.Chtimes(to.Name(), made, made); err != nil {
		return err
	}
	return os.Rename(to.Name(), out)
}
