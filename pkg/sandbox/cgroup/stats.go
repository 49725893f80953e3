package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Stats returns the counters as *cgroup1/stats.Metrics or, on a v2 host, *cgroup2/stats.Metrics of
// github.com/containerd/cgroups/v3: what containerd, Docker and the CRI plugin take apart. Controllers and files that
// this kernel does not have leave their part zero. It is fs.ErrNotExist when the group is gone.
func (g *Group) Stats() (any, error) {
	stat := g.statsV1
	if g.state.Unified {
		stat = g.statsV2
	}
	m, err := stat()
	if err == nil {
		err = g.present()
	}
	if err != nil {
		return nil, fmt.Errorf("stats of cgroup %s: %w", g.state.Path, err)
	}
	return m, nil
}

// present tells a group that is gone from one whose counters are absent. It is asked last: a group may go in between.
func (g *Group) present() error {
	for _, dir := range g.dirs() {
		if _, err := os.Stat(dir); err == nil {
			return nil
		}
	}
	return fs.ErrNotExist
}

// sheet reads the counters of one group, and keeps the first error, so that the code that fills a message reads as the list
// of what goes where. A file that is not there is no error: kernels differ in what they count.
type sheet struct {
	dir string
	err error
}

func (s *sheet) keep(err error) {
	// A kernel started with psi=0 has the pressure files and answers EOPNOTSUPP from them.
	if s.err == nil && err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.EOPNOTSUPP) {
		s.err = err
	}
}

func (s *sheet) number(file string) uint64 {
	if s.dir == "" || s.err != nil {
		return 0
	}
	n, err := number(s.dir, file)
	s.keep(err)
	return n
}

func (s *sheet) keyed(file string) map[string]uint64 {
	if s.dir == "" || s.err != nil {
		return nil
	}
	values, err := keyed(s.dir, file)
	s.keep(err)
	return values
}

// parsed reads a file of another form than those two.
func parsed[T any](s *sheet, file string, parse func(string) (T, error)) T {
	var zero T
	if s.dir == "" || s.err != nil {
		return zero
	}
	text, err := read(s.dir, file)
	if err != nil {
		s.keep(err)
		return zero
	}
	v, err := parse(text)
	if err != nil {
		s.keep(fmt.Errorf("%s/%s: %w", s.dir, file, err))
		return zero
	}
	return v
}
