package settings

import "wasmgo/pkg/handover"

func containerTable() []Setting {
	return []Setting{
		field(Setting{
			Name: "group", Heading: headingEvery, Otherwise: "the pod", Example: "web", Where: Annotation, Rule: Own,
			Doc: "Containers of one group, in one containerd namespace, share a shim. Without it those of a pod do (io.kubernetes.cri.sandbox-id), and io.containerd.runc.v2.group means the same.",
		}, text(), func(v *Values) *string { return &v.Group }),
		field(Setting{
			Name: "toolbox", Heading: headingEvery, Default: "on", Where: Everywhere, Rule: Adds,
			Doc: "Whether an exec that asks for a shell, or for one of the usual tools, which the container has not got, finds the one that wasmgo brings along: docs/exec.md has the list. They run in the container's sandbox, with its rights. Off wins, whoever says it.",
		}, off(), func(v *Values) *bool { return &v.NoToolbox }),
		field(Setting{
			Name: "deny", Heading: headingNetwork, Otherwise: "nothing", Example: "tcp,dns", Where: Everywhere, Rule: Adds,
			Doc: "What a component may not have of the container's network. Making such a socket, or looking up a name, is then an error to the guest (access denied); what the network allows at all is the business of the container's network namespace.",
		}, parts(), func(v *Values) *handover.Deny { return &v.Deny }),
	}
}
