package handover

// Keyvalue is where the buckets of a component are. Zero values are left to the runner.
type Keyvalue struct {
	// Store is "memory" (or ""), "none", or the URL of a Redis server: redis://, rediss:// or unix://.
	Store string `json:",omitempty"`
	// Buckets are the names of those there are; none is all.
	Buckets []string `json:",omitempty"`
	// Memory bounds what is in memory, in bytes of keys and values.
	Memory int64 `json:",omitempty"`
}

// InMemory reports whether the buckets are in the memory of the runner.
func (k Keyvalue) InMemory() bool { return k.Store == "" || k.Store == "memory" }
