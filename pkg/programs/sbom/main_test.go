package main

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func TestBillNamesModulesAndLibraries(t *testing.T) {
	self, err := os.Executable() // of this test, which has cyclonedx-go in it
	if err != nil {
		t.Fatal(err)
	}
	libraries := []cdx.Component{{BOMRef: "library:wasmtime", Type: cdx.ComponentTypeLibrary, Name: "wasmtime", Version: "44.0.0"}}
	var out, again bytes.Buffer
	for _, w := range []*bytes.Buffer{&out, &again} {
		if err := write(w, "v1.2.3", libraries, []string{self}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(out.Bytes(), again.Bytes()) {
		t.Error("two bills of the same file differ")
	}
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(&out, cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	if c := bom.Metadata.Component; c.Name != "containerd-shim-wasmgo-v1" || c.Version != "v1.2.3" || c.PackageURL != "pkg:golang/wasmgo@v1.2.3" {
		t.Errorf("the bill is of %+v", c)
	}
	for _, want := range []string{"pkg:golang/github.com/cyclonedx/cyclonedx-go@v", "pkg:golang/std@go1.", "library:wasmtime"} {
		if !slices.ContainsFunc(*bom.Components, func(c cdx.Component) bool { return strings.HasPrefix(c.BOMRef, want) }) {
			t.Errorf("the bill does not have %s…: %v", want, *bom.Components)
		}
	}
}

func TestBillOfWhatIsNoProgramIsRefused(t *testing.T) {
	if err := write(&bytes.Buffer{}, "v1", nil, []string{"main.go"}); err == nil || !strings.Contains(err.Error(), "main.go") {
		t.Errorf("the error is %v, and does not name the file", err)
	}
}
