package cgroup

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/coreos/go-systemd/v22/dbus"
	godbus "github.com/godbus/dbus/v5"
)

// errNoUnit is systemd's name for a unit it does not know.
const errNoUnit = "org.freedesktop.systemd1.NoSuchUnit"

// unit is the systemd unit of a path slice:prefix:name, named as runc, Docker and the kubelet's cgroup code name it.
func (s State) unit() string {
	parts := strings.Split(s.Path, ":")
	prefix, name := parts[1], parts[2]
	if strings.HasSuffix(name, ".slice") {
		return name
	}
	return prefix + "-" + name + ".scope"
}

// stopUnit asks systemd to forget a unit. A scope is forgotten by itself when it is empty; one that was not asked to
// stop can be left behind as failed. It does not wait for the unit's end.
func stopUnit(ctx context.Context, unit string) error {
	conn, err := dbus.NewWithContext(ctx)
	if err != nil {
		return fmt.Errorf("stop %s: %w", unit, err)
	}
	defer conn.Close()
	if _, err := conn.StopUnitContext(ctx, unit, "replace", nil); err != nil && !isNoUnit(err) {
		return fmt.Errorf("stop %s: %w", unit, err)
	}
	if err := conn.ResetFailedUnitContext(ctx, unit); err != nil && !isNoUnit(err) {
		return fmt.Errorf("reset %s: %w", unit, err)
	}
	return nil
}

func isNoUnit(err error) bool {
	var e godbus.Error
	return errors.As(err, &e) && e.Name == errNoUnit
}
