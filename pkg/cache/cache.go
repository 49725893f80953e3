package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"wasmgo/pkg/programs"
)

// maxModule is in bytes. The largest modules known (language runtimes with their libraries) are near 100 MiB.
const maxModule = 1 << 30

// Config says where a cache is and who compiles for it.
type Config struct {
	// Root is the directory of the cache, which is made if it does not exist.
	Root string
	// Runner is the directory of the runner that compiles (programs.Runner).
	Runner string
	// Max bounds the compiled code on disk, in bytes; 0 is DefaultMax.
	Max int64
	// Idle has everything compiled at idle priority, as long as nobody else waits for it.
	Idle bool
	// Makeshift allows workers without namespaces of their own where none can be made: as root in the build of a container image. What is
	// left is an empty root directory, another user, the list of system calls and the limits. A shim does not ask for it:
	// where it can make no namespaces it makes no containers.
	Makeshift bool
}

// Cache is a directory of compiled code, for one runner. It is safe for use by several goroutines, and its directory by
// several processes.
type Cache struct {
	*Store
	runner string // directory that holds the runner
	engine string // what compiled code depends on besides the module
	idle   bool
	// makeshift is Config.Makeshift.
	makeshift bool
	secret    [secretSize]byte

	// Bounds; tests lower them.
	maxModule int64
	compile   limits
	translate limits

	mu      sync.Mutex
	filters map[string][]byte // by key
}

// Open opens a cache. There is nothing to close.
func Open(config Config) (*Cache, error) {
	fingerprint, err := programs.Fingerprint(config.Runner)
	if err != nil {
		return nil, err
	}
	c := &Cache{
		Store:     &Store{root: config.Root},
		runner:    config.Runner,
		engine:    fingerprint + "\n" + cpuFeatures(),
		idle:      config.Idle,
		makeshift: config.Makeshift,
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
	if c.Store, err = OpenStore(config.Root, config.Max); err != nil {
		return nil, err
	}
	c.secret, err = openSecret(filepath.Join(config.Root, "content.secret"))
	if err != nil {
		return nil, fmt.Errorf("cache of compiled code: %w", err)
	}
	return c, nil
}

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
