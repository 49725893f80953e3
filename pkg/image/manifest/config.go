package manifest

import (
	"fmt"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// Config is what the configurations of all shapes have in common.
type Config struct {
	Platform v1.Platform
	// Process is what to run; an artifact has none.
	Process v1.ImageConfig
	// DiffIDs counts the layers of the root file system.
	DiffIDs int
}

// ParseConfig reads the configuration of an image of the given shape. An artifact with an empty one ("{}") has no platform.
// The error is ErrInvalid.
func ParseConfig(document []byte, shape Shape) (*Config, error) {
	if shape == ShapeA {
		// The CNCF artifact's has more: layerDigests, and the imports and exports of a component. They are told from
		// the module itself, which cannot be wrong about them.
		var raw v1.Platform
		if err := decode(document, &raw); err != nil {
			return nil, fmt.Errorf("configuration: %w", err)
		}
		return &Config{Platform: raw}, nil
	}
	var raw v1.Image
	if err := decode(document, &raw); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return &Config{Platform: raw.Platform, Process: raw.Config, DiffIDs: len(raw.RootFS.DiffIDs)}, nil
}
