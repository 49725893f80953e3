package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"

	stats1 "github.com/containerd/cgroups/v3/cgroup1/stats"
	stats2 "github.com/containerd/cgroups/v3/cgroup2/stats"
	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// The forms that the kernel's files have: one parser each, for text alone.

// read returns the text of one of the group's files. One of a group that goes away at this moment is fs.ErrNotExist, too.
func read(dir, file string) (string, error) {
	text, err := cgroups.ReadFile(dir, file)
	return text, orGone(err)
}

// processes are those in the directory and below.
func processes(dir string) ([]int, error) {
	pids, err := cgroups.GetAllPids(dir)
	return pids, orGone(err)
}

// orGone makes fs.ErrNotExist of the ENODEV that a file answers when its group was removed after it was opened.
func orGone(err error) error {
	if errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("%w (%w)", fs.ErrNotExist, err)
	}
	return err
}

// keyed reads a file of lines "name number", such as memory.stat.
func keyed(dir, file string) (map[string]uint64, error) {
	text, err := read(dir, file)
	if err != nil {
		return nil, err
	}
	values, err := parseKeyed(text)
	if err != nil {
		return nil, fmt.Errorf("%s/%s: %w", dir, file, err)
	}
	return values, nil
}

// number reads a file with one number in it.
func number(dir, file string) (uint64, error) {
	text, err := read(dir, file)
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

// parseNumbers reads a line of numbers, such as cpuacct.usage_percpu.
func parseNumbers(text string) ([]uint64, error) {
	var numbers []uint64
	for field := range strings.FieldsSeq(text) {
		n, err := parseNumber(field)
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// parseKeyed reads lines "name number".
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

// parseBlkio reads the v1 blkio counters: lines "major:minor operation number", in two files without the operation, and one
// line "Total number" at the end, which is the caller's to compute.
func parseBlkio(text string) ([]*stats1.BlkIOEntry, error) {
	var entries []*stats1.BlkIOEntry
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 2 && fields[0] == "Total" {
			continue
		}
		if len(fields) != 2 && len(fields) != 3 {
			return nil, fmt.Errorf("line %q", line)
		}
		major, minor, err := parseDevice(fields[0])
		if err != nil {
			return nil, err
		}
		e := &stats1.BlkIOEntry{Major: major, Minor: minor}
		if len(fields) == 3 {
			e.Op = fields[1]
		}
		if e.Value, err = parseNumber(fields[len(fields)-1]); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// parseIO reads v2's io.stat: lines "major:minor name=number …". Some kernels list devices without any number.
func parseIO(text string) ([]*stats2.IOEntry, error) {
	var entries []*stats2.IOEntry
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		major, minor, err := parseDevice(fields[0])
		if err != nil {
			return nil, err
		}
		e := &stats2.IOEntry{Major: major, Minor: minor}
		counters := map[string]*uint64{"rbytes": &e.Rbytes, "wbytes": &e.Wbytes, "rios": &e.Rios, "wios": &e.Wios}
		for _, field := range fields[1:] {
			name, number, _ := strings.Cut(field, "=")
			// io.cost and io.latency add counters of their own, some of them fractions.
			counter, ok := counters[name]
			if !ok {
				continue
			}
			if *counter, err = parseNumber(number); err != nil {
				return nil, err
			}
		}
		entries = append(entries, e)
	}
	return entries, nil
}

func parseDevice(text string) (major, minor uint64, err error) {
	first, second, ok := strings.Cut(text, ":")
	if !ok {
		return 0, 0, fmt.Errorf("device %q is not major:minor", text)
	}
	if major, err = strconv.ParseUint(first, 10, 32); err != nil {
		return 0, 0, err
	}
	minor, err = strconv.ParseUint(second, 10, 32)
	return major, minor, err
}

// parsePressure reads the two lines of a v2 pressure file, "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" and the same
// for "full".
func parsePressure(text string) (*stats2.PSIStats, error) {
	p := &stats2.PSIStats{}
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		d := &stats2.PSIData{}
		switch fields[0] {
		case "some":
			p.Some = d
		case "full":
			p.Full = d
		}
		for _, field := range fields[1:] {
			name, number, _ := strings.Cut(field, "=")
			var err error
			switch name {
			case "avg10":
				d.Avg10, err = strconv.ParseFloat(number, 64)
			case "avg60":
				d.Avg60, err = strconv.ParseFloat(number, 64)
			case "avg300":
				d.Avg300, err = strconv.ParseFloat(number, 64)
			case "total":
				d.Total, err = strconv.ParseUint(number, 10, 64)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// rdma is one line of rdma.current or rdma.max. No limit is the largest number.
type rdma struct {
	device           string
	handles, objects uint32
}

// parseRdma reads lines "device hca_handle=number hca_object=number".
func parseRdma(text string) ([]rdma, error) {
	var list []rdma
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		r := rdma{device: fields[0]}
		for _, field := range fields[1:] {
			name, number, _ := strings.Cut(field, "=")
			n, err := uint64(math.MaxUint32), error(nil)
			if number != "max" {
				if n, err = strconv.ParseUint(number, 10, 32); err != nil {
					return nil, err
				}
			}
			switch name {
			case "hca_handle":
				r.handles = uint32(n)
			case "hca_object":
				r.objects = uint32(n)
			}
		}
		list = append(list, r)
	}
	return list, nil
}
