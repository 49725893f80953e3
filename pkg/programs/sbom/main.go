// Command sbom writes the bill of materials of a release, as CycloneDX 1.6 in JSON, to its standard output:
//
//	sbom [-version VERSION] [-library NAME=VERSION]... FILE...
//
// It reads the modules out of the files, which are programs that Go built. Libraries of other languages that were linked into them are
// named by -library, for nothing in the files tells of them.
package main

import (
	"debug/buildinfo"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

func main() {
	version := flag.String("version", "", "what is released, in place of what the first file says of itself")
	var libraries []cdx.Component
	flag.Func("library", "NAME=VERSION of a library that is no Go module; may be repeated", func(s string) error {
		name, version, ok := strings.Cut(s, "=")
		if !ok || name == "" || version == "" {
			return errors.New("want NAME=VERSION")
		}
		libraries = append(libraries, cdx.Component{BOMRef: "library:" + name, Type: cdx.ComponentTypeLibrary, Name: name, Version: version})
		return nil
	})
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := write(os.Stdout, *version, libraries, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// write writes the bill of what is in the files and of the libraries. The same input gives the same bytes.
func write(w io.Writer, version string, libraries []cdx.Component, files []string) error {
	modules := map[string]cdx.Component{}
	main := cdx.Component{Type: cdx.ComponentTypeApplication, Name: "containerd-shim-wasmgo-v1", Version: version}
	for _, file := range files {
		info, err := buildinfo.ReadFile(file)
		if err != nil {
			return fmt.Errorf("reading what modules are in it: %w", err)
		}
		if main.Version == "" {
			main.Version = info.Main.Version
		}
		for _, m := range append(info.Deps, &debug.Module{Path: "std", Version: info.GoVersion}) {
			c := component(m)
			modules[c.PackageURL] = c
		}
	}
	main.PackageURL = purl(&debug.Module{Path: "wasmgo", Version: main.Version})
	main.BOMRef = main.PackageURL

	all := libraries
	for _, c := range modules {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b cdx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	below := make([]string, len(all))
	for i, c := range all {
		below[i] = c.BOMRef
	}
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &main}
	bom.Components = &all
	bom.Dependencies = &[]cdx.Dependency{{Ref: main.BOMRef, Dependencies: &below}}
	return cdx.NewBOMEncoder(w, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
}

// component is a module as it was built: what replaced it, if something did.
func component(m *debug.Module) cdx.Component {
	if m.Replace != nil {
		m = m.Replace
	}
	url := purl(m)
	return cdx.Component{BOMRef: url, Type: cdx.ComponentTypeLibrary, Name: m.Path, Version: m.Version, PackageURL: url}
}

// purl is the package URL of a module: the type golang of the package-url specification, whose namespaces are in lower case.
func purl(m *debug.Module) string {
	dir, name := path.Split(strings.ToLower(m.Path))
	return "pkg:golang/" + dir + name + "@" + m.Version
}
