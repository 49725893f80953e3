package cache

import "fmt"

// cpuid executes the instruction of that name with leaf in EAX and sub in ECX.
func cpuid(leaf, sub uint32) (eax, ebx, ecx, edx uint32)

// xgetbv returns the low half of extended control register 0. It may be executed only if the system enabled XSAVE.
func xgetbv() (eax uint32)

// cpuFeatures returns a text that changes whenever the features change that Cranelift makes code for: it looks at SSE3 to SSE4.2,
// CX16, POPCNT, AVX, FMA (leaf 1), BMI1, BMI2, AVX2, AVX-512 (leaf 7), LZCNT (leaf 0x80000001), and whether the system saves
// those registers (XCR0).
//
// The words are taken whole: a bit too many costs a compilation after a microcode update, a bit too few is a module that
// Wasmtime refuses to load. golang.org/x/sys/cpu does not tell LZCNT, and /proc/cpuinfo is slow with many processors.
func cpuFeatures() string {
	const osxsave = 1 << 27
	most, _, _, _ := cpuid(0, 0)
	_, _, ecx1, _ := cpuid(1, 0)
	var ebx7, ecx7, eax71 uint32
	if most >= 7 {
		var subs uint32
		subs, ebx7, ecx7, _ = cpuid(7, 0)
		if subs >= 1 {
			eax71, _, _, _ = cpuid(7, 1)
		}
	}
	var ecxExt uint32
	if mostExt, _, _, _ := cpuid(0x8000_0000, 0); mostExt >= 0x8000_0001 {
		_, _, ecxExt, _ = cpuid(0x8000_0001, 0)
	}
	var xcr0 uint32
	if ecx1&osxsave != 0 {
		xcr0 = xgetbv()
	}
	return fmt.Sprintf("amd64 1.ecx=%08x 7.ebx=%08x 7.ecx=%08x 7.1.eax=%08x ext.ecx=%08x xcr0=%08x", ecx1, ebx7, ecx7, eax71, ecxExt, xcr0)
}
