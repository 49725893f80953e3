package runner

import (
	"fmt"
	"strings"

	"wasmgo/pkg/engine"
	"wasmgo/pkg/handover"
)

const (
	command = "_start"      // a command's entry point
	reactor = "_initialize" // called first in a reactor
)

// entryOf chooses the function to call, and whether _initialize has to be called before it.
func entryOf(g *handover.Guest, m *engine.Module) (entry string, initialize bool, refusal *handover.Refusal) {
	entry = g.Export
	if entry == "" {
		entry = command
	}
	exports := m.Exports()
	var found *engine.Item
	for i, e := range exports {
		switch e.Name {
		case entry:
			found = &exports[i]
		case reactor:
			initialize = e.Func && e.Plain
		}
	}
	switch {
	case found == nil && g.Export == "":
		return "", false, refuse("%s has no _start function to run%s", g.Module, offer(g, exports))
	case found == nil:
		return "", false, refuse("%s has no export %q%s", g.Module, entry, offer(g, exports))
	case !found.Func:
		return "", false, refuse("%s: export %q is no function but %s%s", g.Module, entry, found.Type, offer(g, exports))
	case !found.Plain:
		return "", false, refuse("%s: export %q is %s; only a function without parameters and results can be run", g.Module, entry, found.Type)
	}
	// Called by name it is the entry itself, and _start initializes on its own.
	return entry, initialize && entry != reactor && entry != command, nil
}

// offer lists what the module has instead, and how to name what can be run of it.
func offer(g *handover.Guest, exports []engine.Item) string {
	if len(exports) == 0 {
		return "; it exports nothing"
	}
	const most = 20 // a module may have thousands
	var plain, all []string
	for _, e := range exports {
		if e.Func && e.Plain && e.Name != reactor && len(plain) < most {
			plain = append(plain, g.Module+"#"+e.Name)
		}
		if len(all) < most {
			all = append(all, e.Name+" "+e.Type)
		}
	}
	text := "; it exports " + strings.Join(all, ", ")
	if more := len(exports) - len(all); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	if len(plain) > 0 {
		text += "; it can be run as " + strings.Join(plain, " or ")
	}
	return text
}

func refuse(format string, args ...any) *handover.Refusal {
	return &handover.Refusal{Code: handover.CodeNotRunnable, Message: fmt.Sprintf(format, args...)}
}
