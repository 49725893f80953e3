package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"wasmgo/pkg/peer"
)

// dockerInfo is what is used of the answer of GET /info.
type dockerInfo struct {
	ServerVersion string
	Driver        string
	DriverStatus  [][2]string
	Runtimes      map[string]struct {
		Path string `json:"path"`
		Type string `json:"runtimeType"`
	}
	Containerd *struct{ Address string }

	api string // version of the API: daemons are numbered in several ways
}

// maxInfo bounds dockerd's answer, in bytes.
const maxInfo = 4 << 20

// imageStore is how dockerd names the drivers that are containerd's.
const imageStore = "io.containerd.snapshotter.v1"

// docker looks at dockerd, and returns the socket of its containerd if that is another than the one at address.
func (d *doctor) docker(ctx context.Context, address string) (other string) {
	d.part = "docker"
	socket := strings.TrimPrefix(d.Docker, "unix://")
	info, err := askDocker(ctx, socket)
	switch {
	case errors.Is(err, os.ErrNotExist) && !d.wants(ForDocker):
		d.skip("daemon", "there is no socket "+socket)
		return ""
	case errors.Is(err, os.ErrNotExist):
		d.fail("daemon", "there is no socket "+socket, "systemctl start docker    # if it listens elsewhere: "+shimName+" doctor --docker SOCKET")
		return ""
	case errors.Is(err, os.ErrPermission):
		d.fail("daemon", socket+" is not for this user", "sudo "+shimName+" doctor")
		return ""
	case err != nil:
		d.fail("daemon", fmt.Sprintf("nobody answers at %s as dockerd: %s", socket, err), "systemctl restart docker")
		return ""
	}
	if !atLeast(info.api, 1, 43) {
		d.fail("daemon", "dockerd "+info.ServerVersion+" (API "+info.api+") is older than 24, the first with a containerd image store that runs other platforms", "# install Docker 24 or newer")
		return ""
	}
	d.ok("daemon", "dockerd "+info.ServerVersion+" at "+socket)
	config := dockerConfig(socket)
	d.store(info, config)
	d.runtimes(info, config)
	if info.Containerd != nil && info.Containerd.Address != "" && info.Containerd.Address != address {
		return info.Containerd.Address
	}
	return ""
}

// askDocker asks the dockerd behind a socket.
func askDocker(ctx context.Context, socket string) (info dockerInfo, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	web := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/info", nil)
	if err != nil {
		return info, err
	}
	answer, err := web.Do(request)
	if err != nil {
		return info, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return info, fmt.Errorf("GET /info: %s", answer.Status)
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, maxInfo)).Decode(&info); err != nil {
		return info, fmt.Errorf("GET /info: %w", err)
	}
	info.api = answer.Header.Get("Api-Version")
	return info, nil
}

// dockerConfig is the file of dockerd's configuration.
func dockerConfig(socket string) string {
	if p, err := peer.Of(socket); err == nil {
		if args, err := p.Args(); err == nil {
			for i, a := range args {
				if value, ok := strings.CutPrefix(a, "--config-file="); ok {
					return value
				}
				if a == "--config-file" && i+1 < len(args) {
					return args[i+1]
				}
			}
		}
	}
	return "/etc/docker/daemon.json"
}

// store looks whether images are containerd's, where alone those for other platforms, and Wasm's layers, can be.
func (d *doctor) store(info dockerInfo, config string) {
	for _, s := range info.DriverStatus {
		if s[0] == "driver-type" && s[1] == imageStore {
			d.ok("image store", "containerd's, with "+info.Driver+": images for wasi/wasm can be pulled and run")
			return
		}
	}
	d.found(Finding{
		Check: "image store", Grade: Failure, Found: "dockerd keeps images in its own store (" + info.Driver + "), which has none for wasi/wasm; images have to be pulled or built again after the change",
		File: config, Fix: `{"features": {"containerd-snapshotter": true}}`, Then: "systemctl restart docker",
	})
}

// runtimes looks at the names of wasmgo among dockerd's runtimes. It needs none: the long name works always.
func (d *doctor) runtimes(info dockerInfo, config string) {
	named := ""
	for name, r := range info.Runtimes {
		if strings.Contains(r.Path, shimName) || r.Path == runtimeType {
			d.found(Finding{
				Check: "runtime", Grade: Failure, Found: fmt.Sprintf("the runtime %s is set up as a program like runc, by its path %s; wasmgo is a shim", name, r.Path),
				File: config, Fix: fmt.Sprintf(`{"runtimes": {%q: {"runtimeType": %q}}}`, name, runtimeType), Then: "systemctl restart docker",
			})
			return
		}
		if r.Type == runtimeType && (named == "" || name < named) {
			named = name
		}
	}
	if named == "" {
		d.ok("runtime", "--runtime "+runtimeType+"; a shorter name can be had in "+config)
		return
	}
	d.ok("runtime", "--runtime "+runtimeType+", or "+named)
}
