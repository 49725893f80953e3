package runner

import (
	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
)

// defaultBuckets bounds the buckets of a container that are in memory, in bytes, unless somebody says otherwise. bucketShare is the part of
// a memory limit that is the most they get.
const (
	defaultBuckets = 64 << 20
	bucketShare    = 8
)

// extension is what a component is to see of the hosts that only the runner with HTTP has. Buckets in memory come out of the guest's limit:
// their bytes, and half as many that the collector has not come to yet.
func extension(g *handover.Guest, w *guestWorld, l *engine.Limits) Extension {
	e := Extension{Needs: g.Needs, Env: w.config.Env, Deny: g.Deny, Keyvalue: g.Keyvalue, Certificates: g.Certificates}
	if g.Needs&handover.NeedsKeyvalue == 0 || !e.Keyvalue.InMemory() {
		return e
	}
	if e.Keyvalue.Memory == 0 {
		e.Keyvalue.Memory = defaultBuckets
	}
	if l.Memory >= 0 {
		e.Keyvalue.Memory = min(e.Keyvalue.Memory, l.Memory/bucketShare)
		l.Memory -= e.Keyvalue.Memory + e.Keyvalue.Memory/2
	}
	return e
}
