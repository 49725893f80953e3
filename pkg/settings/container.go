package settings

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
)

// Container is what a container says: its annotations and its variables.
type Container struct {
	said map[string]Said
	// Env is its environment without our variables, which the guest does not see.
	Env []string
}

// ReadContainer reads what a container says. Annotations win over variables: a pod's author or whoever calls docker sets the former, an
// image the latter.
func ReadContainer(annotations map[string]string, env []string) (Container, error) {
	c := Container{Env: env}
	var kept []string
	for i, e := range env {
		name, value, _ := strings.Cut(e, "=")
		key, ours := variableKey(name)
		if !ours {
			if kept != nil {
				kept = append(kept, e)
			}
			continue
		}
		if kept == nil { // the first one: from here on env is rewritten
			kept = append(make([]string, 0, len(env)), env[:i]...)
		}
		if err := c.say(key, value, Variable, "variable "+printable(name)+" in process.env"); err != nil {
			return Container{}, err
		}
	}
	if kept != nil {
		c.Env = kept
	}
	var names []string
	for name := range annotations {
		if strings.HasPrefix(name, AnnotationPrefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names) // so that of two mistakes the same one is told each time
	for _, name := range names {
		err := c.say(strings.TrimPrefix(name, AnnotationPrefix), annotations[name], Annotation, "annotation "+printable(name))
		if err != nil {
			return Container{}, err
		}
	}
	return c, nil
}

func (c *Container) say(key, value string, where Where, at string) error {
	said, err := say(key, value, where, at)
	if err != nil {
		return err
	}
	if c.said == nil {
		c.said = map[string]Said{}
	}
	c.said[said.Name()] = said
	return nil
}

// Said is what the container says, in the order of the table.
func (c Container) Said() []Said { return inOrder(c.said) }

// For is what holds for a container under the host's settings. An error is errdefs.ErrInvalidArgument: the container wants more than it
// may have.
func (h Host) For(c Container) (Values, error) {
	v := h.Values()
	for _, name := range slices.Sorted(maps.Keys(c.said)) {
		said := c.said[name]
		bound, both := h.said[name]
		switch s := said.Setting; {
		case both && s.Rule == Maximum && s.above(said.value, bound.value):
			return Values{}, fmt.Errorf("%s: %s is more than the %s that the operator allows (%s): %w",
				said.At, said.Setting.Show(said.Text), bound.Setting.Show(bound.Text), bound.At, errdefs.ErrInvalidArgument)
		case s.Rule == Adds:
			s.add(&v, said.value)
		default:
			s.store(&v, said.Key, said.value)
		}
	}
	return v, nil
}
