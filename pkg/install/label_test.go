package install

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// account makes the files of a pod's service account.
func account(t *testing.T, ca []byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string][]byte{"token": []byte("secret\n"), "ca.crt": ca} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLabel(t *testing.T) {
	var said string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		said = strings.Join([]string{r.Method, r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("Content-Type"), string(body)}, " ")
		if r.URL.Path != "/api/v1/nodes/one" {
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `{"kind":"Status","message":"nodes \"two\" is forbidden"}`)
		}
	}))
	t.Cleanup(server.Close)
	dir := account(t, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
	node, err := newNode("one", server.URL, dir)
	if err != nil {
		t.Fatal(err)
	}
	for installed, label := range map[bool]string{true: `"true"`, false: "null"} {
		if err := node.SetInstalled(t.Context(), installed); err != nil {
			t.Error(err)
		}
		want := `PATCH /api/v1/nodes/one Bearer secret application/merge-patch+json {"metadata":{"labels":{"io.containerd.wasmgo/installed":` + label + `}}}`
		if said != want {
			t.Errorf("the server got\n%s, want\n%s", said, want)
		}
	}
	other, err := newNode("two", server.URL, dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.SetInstalled(t.Context(), true); err == nil || !strings.Contains(err.Error(), `label node two: nodes "two" is forbidden`) {
		t.Errorf("got %v, want what the server says", err)
	}
}

func TestAnAccountWithoutACertificate(t *testing.T) {
	if _, err := newNode("one", "https://localhost", account(t, []byte("none"))); err == nil || !strings.Contains(err.Error(), "holds no certificate") {
		t.Errorf("got %v", err)
	}
}
