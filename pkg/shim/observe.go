package shim

import (
	"os"

	"github.com/containerd/log"

	"wasmgo/pkg/observe"
	carried "wasmgo/pkg/programs"
	"wasmgo/pkg/settings"
)

// observer is who watches the shim's calls, nil if nobody wants to. Containers counts those of the shim.
func observer(f flags, set settings.Values, containers func() int) *observe.Observer {
	c := observe.Config{Namespace: f.namespace, ID: f.id, Environ: os.Environ(), Metrics: set.Metrics, Containers: containers}
	if dir, err := carried.Given(); err == nil {
		c.Exporter = dir.CLI()
	}
	o, err := observe.New(c)
	if err != nil {
		log.L.WithError(err).Error("the shim is not observed as it was asked to be")
	}
	return o
}
