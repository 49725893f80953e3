package cgroup

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/opencontainers/cgroups"
)

// keyed reads a file of lines "name number", such as memory.stat.
func keyed(dir, file string) (map[string]uint64, error) {
	text, err := cgroups.ReadFile(dir, file)
	if err != nil {
		return nil, err
	}
	values, err := parseKeyed(text)
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %w", dir, file, err)
	}
	return values, nil
}

func parseKeyed(text string) (map[string]uint64, error) {
	values := make(map[string]uint64)
	for line := range strings.Lines(text) {
		name, number, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if !ok {
			return nil, fmt.Errorf("no value in line %q", line)
		}
		n, err := parseNumber(number)
		if err != nil {
			return nil, err
		}
		values[name] = n
	}
	return values, nil
}

// number reads a file with one number in it.
func number(dir, file string) (uint64, error) {
	text, err := cgroups.ReadFile(dir, file)
	if err != nil {
		return 0, err
	}
	n, err := parseNumber(strings.TrimSpace(text))
	if err != nil {
		return 0, fmt.Errorf("%s/%s: %w", dir, file, err)
	}
	return n, nil
}

// parseNumber reads one counter or limit; "max", no limit, is the largest number, as containerd's messages have it.
func parseNumber(text string) (uint64, error) {
	if text == "max" {
		return math.MaxUint64, nil
	}
	return strconv.ParseUint(text, 10, 64)
}
