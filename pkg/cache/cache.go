package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/runnerbin"
)

// maxModule is in bytes. The largest modules known (language runtimes with their libraries) are near 100 MiB.
const maxModule = 1 << 30

// Cache is a directory of compiled code, for one runner. It is safe for use by several goroutines, and its directory by
// several processes.
type Cache struct {
	root   string
	runner string // directory that holds the runner
	engine string // what compiled code depends on besides the module
	secret [secretSize]byte

	// Bounds; tests lower them.
	maxModule int64
	compile   limits
	translate limits

	mu      sync.Mutex
	filters map[string][]byte // by key
}

// Open returns the cache in the directory root, which is made if it does not exist. RunnerDir is the directory of the runner
// that compiles (runnerbin.Dir). There is nothing to close.
func Open(root, runnerDir string) (*Cache, error) {
	fingerprint, err := runnerbin.FingerprintOf(runnerDir)
	if err != nil {
		return nil, err
	}
	c := &Cache{
		root:      root,
		runner:    runnerDir,
		engine:    fingerprint + "\n" + cpuFeatures(),
		maxModule: maxModule,
		compile:   compileLimits(),
		translate: translateLimits(),
		filters:   map[string][]byte{},
	}
	for _, dir := range []string{c.codeDir(), c.contentDir(), c.seccompDir()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("cache of compiled code: %w", err)
		}
	}
	if err := ours(root); err != nil {
		return nil, fmt.Errorf("cache of compiled code: %w", err)
	}
	c.secret, err = openSecret(filepath.Join(root, "content.secret"))
	if err != nil {
		return nil, fmt.Errorf("cache of compiled code: %w", err)
	}
	return c, nil
}

// ours makes sure that nobody else can put code into the directory path.
func ours(path string) error {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return &os.PathError{Op: "stat", Path: path, Err: err}
	}
	if int(st.Uid) != os.Geteuid() || st.Mode&0o022 != 0 {
		return fmt.Errorf("%s (mode %o, user %d) must belong to user %d and be writable by nobody else", path, st.Mode&0o7777, st.Uid, os.Geteuid())
	}
	return nil
}

func (c *Cache) codeDir() string    { return filepath.Join(c.root, "code") }
func (c *Cache) contentDir() string { return filepath.Join(c.root, "content") }
func (c *Cache) seccompDir() string { return filepath.Join(c.root, "seccomp") }

// digest is the SHA-256 of a module.
type digest [sha256.Size]byte

// key names the compiled form of the module d: it differs whenever the module, the runner (its Wasmtime and settings) or
// the processor's features differ.
func (c *Cache) key(d digest) string {
	h := sha256.New()
	h.Write(d[:])
	h.Write([]byte(c.engine))
	return hex.EncodeToString(h.Sum(nil))
}
