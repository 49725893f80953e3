package runner

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"wasmgo/pkg/component"
	"wasmgo/pkg/component/types"
	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
	"wasmgo/pkg/wasi"
	"wasmgo/pkg/wasi/cli"
	"wasmgo/pkg/wasi/config"
	wasiio "wasmgo/pkg/wasi/io"
	"wasmgo/pkg/wasi/logging"
	"wasmgo/pkg/wasi/sockets/inet"
)

// guestWorld is what all instances of a component see of the outside.
type guestWorld struct {
	config wasi.Config
	dirs   []engine.Dir

	logs     bool // it imports wasi:logging
	least    logging.Level
	settings *config.Values // for wasi:config, or nil
}

// newWorld enters the working directory.
func newWorld(g *handover.Guest, p *component.Program) (*guestWorld, *handover.Refusal, error) {
	dirs, err := directories(g.Cwd)
	if err != nil {
		return nil, nil, err
	}
	w := &guestWorld{dirs: dirs, logs: importsOf(p, "wasi:logging"), config: wasi.Config{
		Config:  cli.Config{Args: g.Args, Env: environment(g), Cwd: filepath.Clean(g.Cwd)},
		Network: inet.Policy{DenyTCP: g.Deny.TCP, DenyUDP: g.Deny.UDP, DenyDNS: g.Deny.DNS},
	}}
	if importsOf(p, "wasi:config") {
		w.settings = &config.Values{Set: g.Config, Env: g.Env}
	}
	var known bool
	if w.least, known = logging.ParseLevel(g.LoggingLevel); !known {
		return nil, refuse("the setting logging-level: %q is no level", g.LoggingLevel), nil
	}
	return w, nil, nil
}

// importsOf reports whether a component imports an interface of a package, such as wasi:config, or one interface, such as wasi:http/types, of any version. Those that hardly any component imports are
// only made for those that do.
func importsOf(p *component.Program, pkg string) bool {
	return slices.ContainsFunc(p.Imports(), func(i types.Named) bool {
		rest, ok := strings.CutPrefix(i.Name, pkg)
		return ok && rest != "" && (rest[0] == '/' || rest[0] == '@')
	})
}

// host is what one instance sees. extend adds to it.
func (w *guestWorld) host(extend ...func(*wasiio.Host) wasi.Part) (*wasi.Host, error) {
	c := w.config
	c.Extend = extend
	stdin, err := cli.NewSource(0)
	if err != nil {
		return nil, err
	}
	stdout, err := cli.NewSink(1)
	if err != nil {
		return nil, err
	}
	stderr, err := cli.NewSink(2)
	if err != nil {
		return nil, err
	}
	c.Stdin, c.Stdout, c.Stderr = stdin, stdout, stderr
	if w.logs {
		c.Extend = append(c.Extend, func(*wasiio.Host) wasi.Part { return logging.New(stderr, w.least) })
	}
	if w.settings != nil {
		c.Extend = append(c.Extend, func(*wasiio.Host) wasi.Part { return config.New(*w.settings) })
	}
	if c.Preopens, err = preopens(w.dirs); err != nil {
		return nil, err
	}
	h, err := wasi.New(c)
	if err != nil {
		return nil, fmt.Errorf("make the guest's world: %w", err)
	}
	return h, nil
}

// provided is what components can import, to check them by.
func provided(with HTTP) ([]*wit.Interface, error) {
	var c wasi.Config
	if with != nil {
		parts, err := with.Extend(Extension{Needs: handover.NeedsHTTP | handover.NeedsKeyvalue, Keyvalue: handover.Keyvalue{Store: "none"}})
		if err != nil {
			return nil, err
		}
		c.Extend = parts
	}
	c.Extend = append(c.Extend, func(*wasiio.Host) wasi.Part { return logging.New(nil, 0) },
		func(*wasiio.Host) wasi.Part { return config.New(config.Values{}) })
	h, err := wasi.New(c)
	if err != nil {
		return nil, err
	}
	return h.Interfaces(), h.Close()
}

// unprovided completes the sentence "COMPONENT cannot be run: …" for what component.Program.Check says. It is "" if nothing is missing.
func unprovided(err error) string {
	if err == nil {
		return ""
	}
	var list interface{ Unwrap() []error }
	if !errors.As(err, &list) {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString("it imports what is not provided here:")
	for _, err := range list.Unwrap() {
		var missing *component.MissingImport
		if !errors.As(err, &missing) {
			b.WriteString("\n    " + err.Error())
			continue
		}
		b.WriteString("\n    " + missing.Name)
		switch hint := componentProvider(missing.Name); {
		case missing.Err != nil:
			b.WriteString(": " + missing.Err.Error())
		case missing.There != "":
			b.WriteString(" — there is " + missing.There + "; build the component for that version")
		case hint != "":
			b.WriteString(" — " + hint)
		}
	}
	return b.String()
}

// componentProvider says what would provide an import of a component, if that is known.
func componentProvider(name string) string {
	path, _, _ := strings.Cut(name, "@")
	pkg, _, isInterface := strings.Cut(path, "/")
	switch {
	case !isInterface:
		return "a function or value at the root of a world: compose the component with one that exports it (`wac plug`)"
	case pkg == "wasi:http":
		return "not an interface of wasi:http 0.2"
	case pkg == "wasi:keyvalue" || pkg == "wasi:config" || pkg == "wasi:logging":
		return "not an interface of " + pkg + " as this version of wasmgo has it"
	case pkg == "wasi:blobstore" || pkg == "wasi:messaging" || pkg == "wasi:sql" || pkg == "wasi:nn" || pkg == "wasi:webgpu" || pkg == "wasi:graphics-context" || pkg == "wasi:tls" || pkg == "wasi:otel":
		return "a proposal for WASI that this version of wasmgo does not have"
	case strings.HasPrefix(pkg, "wasi:"):
		return "not an interface of WASI 0.2"
	case strings.HasPrefix(pkg, "fermyon:") || strings.HasPrefix(pkg, "spin:"):
		return "Spin, which has a runtime of its own"
	case strings.HasPrefix(pkg, "wasmcloud:"):
		return "wasmCloud, which has a runtime of its own"
	}
	return "another component: compose the two (`wac plug`)"
}
