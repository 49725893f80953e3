package image

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// maxDockerRecord bounds Docker's record of a container, in bytes: the environment and the labels are in it.
const maxDockerRecord = 64 << 20

// DockerDigest returns the digest of the manifest that Docker made the container id from, or of its index, or "" if this is none
// of Docker's containers. Sources are what is mounted into it.
//
// Docker makes containerd's record of a container at each start, with the name its image has and without what that meant when
// the container was made. That is in a file of dockerd's alone, config.v2.json, beside the hosts, hostname and resolv.conf
// that it mounts into every container. The name and these fields have been the same since Docker 1.10 and, ImageManifest,
// 28. If they change one day, the image's name is left, which is right until its tag moves.
func DockerDigest(sources []string, id string) string {
	for _, source := range sources {
		dir := filepath.Dir(source)
		if filepath.Base(dir) != id {
			continue
		}
		if digest := readDockerRecord(filepath.Join(dir, "config.v2.json"), id); digest != "" {
			return digest
		}
	}
	return ""
}

func readDockerRecord(path, id string) string {
	// A container of another client may have anything mounted: nothing here may block.
	fd, err := openFile(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC)
	if err != nil {
		return ""
	}
	f := os.NewFile(uintptr(fd), path)
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return parseDockerRecord(io.LimitReader(f, maxDockerRecord), id)
}

func parseDockerRecord(r io.Reader, id string) string {
	var record struct {
		ID            string
		Image         string
		ImageManifest struct {
			Digest string `json:"digest"`
		}
	}
	if json.NewDecoder(r).Decode(&record) != nil || record.ID != id {
		return ""
	}
	if d := record.ImageManifest.Digest; d != "" {
		return d
	}
	return record.Image
}
