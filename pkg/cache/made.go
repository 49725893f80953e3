package cache

import (
	"context"
	"time"
)

// Made has f called when the entry had to be made, with the time that took, whether it came out well or not; not at all if it was there, or
// if somebody else made it. F is done before the call that has this option returns.
func Made(f func(time.Duration)) Option {
	return func(m *maker) {
		fill := m.fill
		m.fill = func(ctx context.Context, temp string) (meta, error) {
			begin := time.Now()
			defer func() { f(time.Since(begin)) }()
			return fill(ctx, temp)
		}
	}
}
