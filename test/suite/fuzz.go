package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

var fuzzFunc = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)

// fuzz runs every Fuzz function below the given directories, all of them when there are none, for so many inputs each.
func fuzz(inputs string, dirs []string) (count, error) {
	if len(dirs) == 0 {
		dirs = []string{"pkg", "cmd", "test"}
	}
	c := count{Name: "fuzz"}
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, m := range fuzzFunc.FindAllStringSubmatch(string(source), -1) {
				fuzzOne(&c, "./"+filepath.Dir(path), m[1], inputs)
			}
			return nil
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return c, err
		}
	}
	return c, nil
}

func fuzzOne(c *count, pkg, name, inputs string) {
	cmd := exec.Command("go", "test", "-run", "^$", "-fuzz", "^"+name+"$", "-fuzztime", inputs+"x", pkg)
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.Failed++
		fmt.Printf("%s\n%sfail %s %s: %v\n", cmd, out, pkg, name, err)
		return
	}
	c.Passed++
	fmt.Printf("pass %s %s\n", pkg, name)
}
