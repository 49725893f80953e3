package cache

import (
	"fmt"

	"golang.org/x/sys/cpu"
)

// cpuFeatures returns a text that changes whenever the features change that Cranelift makes code for (LSE, FP16, pointer
// authentication, BTI): all that the kernel tells programs about.
func cpuFeatures() string { return fmt.Sprintf("arm64 %+v", cpu.ARM64) }
