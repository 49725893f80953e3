// Package kubernetes shows wasmgo on a node of Kubernetes: every program of one, of the pinned versions, on a machine made of namespaces.
//
//	test ──┬─ etcd, kube-apiserver, kube-scheduler, kube-controller-manager, kube-proxy, kubelet, metrics-server
//	       ├─ containerd, configured by deploy/'s installer, with CNI plugins and runc
//	       │    └─ shims, pods
//	       └─ init   pid 1 of the machine: holds its namespaces, reaps; with it everything ends
//
// The machine has the host's /usr and a copy-on-write /etc; /var, /run, /opt and /usr/local are its own, as are network, host name and
// process ids. So all programs use their usual paths, and the manifests of deploy/ are applied as they are. The host's iptables, and what
// kubelet would set in /proc/sys, are out of reach. Only the control groups are the host's: those below one of the machine's name.
//
// The one test is a course of steps, because a node takes half a minute to come up. `make kubernetes-test` runs it; `make test` does not,
// for Kubernetes takes long to build.
package kubernetes
