package component

import (
	"os/exec"
	"strings"
	"testing"
)

// TestArrows holds what doc.go says of the packages: only corewasm, and what runs things over it, knows the engine.
func TestArrows(t *testing.T) {
	const module, engine = "wasmgo/pkg/component/", "github.com/bytecodealliance/wasmtime-go"
	allowed := map[string]string{ // package → what it may import of this folder
		"wire":     "",
		"core":     "wire",
		"names":    "",
		"binary":   "wire core",
		"types":    "wire core binary",
		"validate": "wire core binary names types",
		"abi":      "wire core binary types",
		"wit":      "wire core binary names types abi",
	}
	for pkg, may := range allowed {
		out, err := exec.Command("go", "list", "-deps", "./"+pkg).CombinedOutput()
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, out)
		}
		for _, dep := range strings.Fields(string(out)) {
			name, ours := strings.CutPrefix(dep, module)
			if strings.HasPrefix(dep, engine) || ours && name != pkg && !strings.Contains(" "+may+" ", " "+name+" ") {
				t.Errorf("%s imports %s", pkg, dep)
			}
		}
	}
}
