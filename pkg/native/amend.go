package native

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"github.com/containerd/errdefs"
	specs "github.com/opencontainers/runtime-spec/specs-go"

	"wasmgo/pkg/bundle"
)

// amend writes what this shim has changed in the specification of b to config.json, where runc will read it: a pod that the shim made
// itself adds files to its containers, and the variables of wasmgo are not for them. All else, known to us or not, stays as it was.
func amend(b *bundle.Bundle) error {
	name := filepath.Join(b.Dir, bundle.ConfigName)
	body, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read bundle: %w", err)
	}
	out, err := amended(body, b.Spec)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", name, err, errdefs.ErrInvalidArgument)
	}
	if out == nil {
		return nil
	}
	temp := name + ".new"
	if err := os.WriteFile(temp, out, 0o600); err != nil {
		return fmt.Errorf("amend bundle: %w", err)
	}
	if err := os.Rename(temp, name); err != nil {
		return fmt.Errorf("amend bundle: %w", err)
	}
	return nil
}

// amended is the document body with the mounts and the environment of spec, nil if it has those already.
func amended(body []byte, spec *specs.Spec) ([]byte, error) {
	var old struct {
		Mounts  []specs.Mount `json:"mounts"`
		Process struct {
			Env []string `json:"env"`
		} `json:"process"`
	}
	if err := json.Unmarshal(body, &old); err != nil {
		return nil, err
	}
	sameMounts := len(old.Mounts) == 0 && len(spec.Mounts) == 0 || reflect.DeepEqual(old.Mounts, spec.Mounts)
	if sameMounts && len(old.Process.Env) == len(spec.Process.Env) { // variables are only ever taken out
		return nil, nil
	}
	var document map[string]json.RawMessage
	if err := json.Unmarshal(body, &document); err != nil {
		return nil, err
	}
	process := map[string]json.RawMessage{}
	if err := json.Unmarshal(document["process"], &process); err != nil {
		return nil, err
	}
	var err error
	if document["mounts"], err = json.Marshal(spec.Mounts); err != nil {
		return nil, err
	}
	if process["env"], err = json.Marshal(spec.Process.Env); err != nil {
		return nil, err
	}
	if document["process"], err = json.Marshal(process); err != nil {
		return nil, err
	}
	return json.Marshal(document)
}
