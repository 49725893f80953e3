package cache

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/containerd/errdefs"
)

// MaxVariable is the environment variable with the bound of the cache, as ParseSize reads it.
const MaxVariable = "WASMGO_CACHE_MAX"

// MaxFromEnvironment is Config.Max as the environment has it.
func MaxFromEnvironment() (int64, error) {
	n, err := ParseSize(os.Getenv(MaxVariable))
	if err != nil {
		return 0, fmt.Errorf("%s: %w", MaxVariable, err)
	}
	return n, nil
}

// ParseSize reads a number of bytes: digits, and then nothing or one of K, M, G, T, KiB, MiB, GiB, TiB, each 1024 of the one
// before. "" is 0. Anything else, and a number of bytes beyond 2^63-1, is errdefs.ErrInvalidArgument.
func ParseSize(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	digits := strings.TrimRight(text, "KMGTiB")
	n, err := strconv.ParseUint(digits, 10, 63)
	shift := strings.Index("KMGT", strings.TrimSuffix(text[len(digits):], "iB"))
	switch suffix := text[len(digits):]; {
	case err != nil, suffix == "iB", suffix != "" && shift < 0:
		return 0, fmt.Errorf("%q is no size in bytes, such as 4GiB: %w", text, errdefs.ErrInvalidArgument)
	case suffix == "":
		return int64(n), nil
	case n > math.MaxInt64>>(10*(shift+1)):
		return 0, fmt.Errorf("%q is more than 2^63-1 bytes: %w", text, errdefs.ErrInvalidArgument)
	}
	return int64(n << (10 * (shift + 1))), nil
}
