package launch

import (
	"errors"
	"os"
	"testing"

	"github.com/containerd/errdefs"

	"wasmgo/pkg/settings"
)

func TestGroupOf(t *testing.T) {
	const pod = `{"annotations": {"io.kubernetes.cri.sandbox-id": "pod"}}`
	for name, c := range map[string]struct {
		config  string // "" for none
		per     string
		want    string
		wantErr error
	}{
		"a container alone":                        {`{}`, settings.ShimPerPod, "id", nil},
		"by the default":                           {`{}`, "", "id", nil},
		"a container of a pod":                     {pod, settings.ShimPerPod, "pod", nil},
		"of a group":                               {`{"annotations": {"io.containerd.wasmgo.group": "g", "io.kubernetes.cri.sandbox-id": "pod"}}`, settings.ShimPerPod, "g", nil},
		"of one of runc's":                         {`{"annotations": {"io.containerd.runc.v2.group": "g"}}`, settings.ShimPerPod, "g", nil},
		"of a namespace":                           {pod, settings.ShimPerNamespace, everybody, nil},
		"of a group in a namespace":                {`{"annotations": {"io.containerd.wasmgo.group": "g"}}`, settings.ShimPerNamespace, "g", nil},
		"a pod without a specification":            {"", settings.ShimPerPod, "id", nil},
		"the same, of a namespace":                 {"", settings.ShimPerNamespace, everybody, nil},
		"with a specification that cannot be read": {`{`, settings.ShimPerNamespace, "", errdefs.ErrInvalidArgument},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if c.config != "" {
				if err := os.WriteFile("config.json", []byte(c.config), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := groupOf(flags{id: "id"}, c.per); got != c.want || !errors.Is(err, c.wantErr) {
				t.Errorf("got %q, %v, want %q, %v", got, err, c.want, c.wantErr)
			}
		})
	}
}
