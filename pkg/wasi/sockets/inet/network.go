package inet

import (
	"time"

	wasiio "wasmgo/pkg/wasi/io"
)

// A Policy is what a guest may not have, beyond what its network namespace denies it.
type Policy struct {
	DenyTCP bool // no TCP sockets
	DenyUDP bool // no UDP sockets
	DenyDNS bool // no name lookups, not even of what is in /etc/hosts; addresses are no names
}

// A Network is the network of one instance.
type Network struct {
	policy   Policy
	poller   *wasiio.Poller
	linger   time.Duration
	backlogs []backlog // what the kernel had no room for yet
	lookups  int       // how many are not closed
	scratch  []byte    // for a datagram
}

// Idle reports whether nothing is on its way: no lookup, and no bytes that the kernel had no room for.
func (n *Network) Idle() bool { return n.lookups == 0 && len(n.backlogs) == 0 }

// New makes the network of the instance whose waits are the poller's.
func New(poller *wasiio.Poller, policy Policy) *Network {
	return &Network{poller: poller, policy: policy, linger: Linger}
}
