package observe

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"
	"strings"
)

// sampler decides whether the spans of a trace are recorded.
type sampler func(trace string, caller traceparent) bool

// newSampler makes what OTEL_TRACES_SAMPLER and its argument name. What is not known is the default, parentbased_always_on
// (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
func newSampler(name, arg string) sampler {
	always := func(yes bool) sampler { return func(string, traceparent) bool { return yes } }
	root, based := strings.CutPrefix(name, "parentbased_")
	var s sampler
	switch root {
	case "always_off":
		s = always(false)
	case "traceidratio":
		s = ratio(arg)
	case "always_on":
		s = always(true)
	default:
		s, based = always(true), true
	}
	if !based {
		return s
	}
	return func(trace string, caller traceparent) bool {
		if caller.span != "" {
			return caller.sampled
		}
		return s(trace, caller)
	}
}

// ratio records a part of the traces, the same in every process: by the last bytes of their identifiers, as the SDKs do.
func ratio(arg string) sampler {
	part, err := strconv.ParseFloat(arg, 64)
	if err != nil || part > 1 || part < 0 || math.IsNaN(part) {
		part = 1
	}
	bound := uint64(part * (1 << 63))
	return func(trace string, _ traceparent) bool {
		id, err := hex.DecodeString(trace)
		return err == nil && len(id) == 16 && binary.BigEndian.Uint64(id[8:])>>1 < bound
	}
}
