package settings

import (
	"slices"
	"sync"
)

// Headings of the reference.
const (
	headingHost    = "The host"
	headingEvery   = "Every container"
	headingNetwork = "The network of a component"
	headingHTTP    = "Components that serve HTTP"
)

// rows is every setting there is. They are made when the first one is looked for: at most starts of the launcher nobody has set anything,
// and it takes a tenth of a millisecond.
var rows = sync.OnceValue(func() []Setting {
	return slices.Concat(hostTable(), shimTable(), containerTable(), httpTable(), componentTable())
})

// passedOver are options of containerd's shim for runc that mean nothing to Wasm. Those who move a configuration over leave them in, and
// package native hands them on for its containers.
// Among them are IoUid and IoGid, which would own the pipes between a shim and its container: a guest gets its streams open, and has
// no /proc by which it could open them again.
var passedOver = []string{
	"BinaryName", "CriuImagePath", "CriuPath", "CriuWorkPath", "IoGid", "IoUid", "NoNewKeyring", "NoPivotRoot", "Root",
	"TaskApiAddress", "TaskApiVersion", "TypeUrl",
}

// internal are variables of the programs among themselves, which containerd's environment may hold in a test.
var internal = []string{"WASMGO_RUNNER", "WASMGO_LIMITS", "WASMGO_USERNS"}

// testPrefix begins the variables of tests.
const testPrefix = "WASMGO_TEST_"
