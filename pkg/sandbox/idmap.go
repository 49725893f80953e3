package sandbox

import (
	"fmt"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// idMaps translate ids of the container into ids of the host. Without a user namespace they are the same.
type idMaps struct {
	uids, gids []specs.LinuxIDMapping
}

// uid is the host's number of a container's user.
func (m idMaps) uid(id uint32) int { return hostID(m.uids, id) }

// gid is the host's number of a container's group.
func (m idMaps) gid(id uint32) int { return hostID(m.gids, id) }

// overflowID stands for ids that have no counterpart (/proc/sys/kernel/overflowuid, whose default nobody changes).
const overflowID = 65534

func hostID(list []specs.LinuxIDMapping, id uint32) int {
	if len(list) == 0 {
		return int(id)
	}
	for _, m := range list {
		if id >= m.ContainerID && id-m.ContainerID < m.Size {
			return int(m.HostID + (id - m.ContainerID))
		}
	}
	return overflowID
}

// translate replaces the ids in a new file system's options, and makes the container's root its owner if nobody else is.
func (m idMaps) translate(data []string) []string {
	var out []string
	hasUID, hasGID := false, false
	for _, o := range data {
		key, value, _ := strings.Cut(o, "=")
		if id, err := strconv.ParseUint(value, 10, 32); err == nil {
			switch key {
			case "uid":
				o, hasUID = fmt.Sprintf("uid=%d", m.uid(uint32(id))), true
			case "gid":
				o, hasGID = fmt.Sprintf("gid=%d", m.gid(uint32(id))), true
			}
		}
		out = append(out, o)
	}
	if !hasUID {
		out = append(out, fmt.Sprintf("uid=%d", m.uid(0)))
	}
	if !hasGID {
		out = append(out, fmt.Sprintf("gid=%d", m.gid(0)))
	}
	return out
}
