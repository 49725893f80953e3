package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/pelletier/go-toml/v2/unstable"
)

// parseTOML reads settings out of a document, which stands in where and is called name in messages. The parser is the one below go-toml's
// decoder: it has the lines of keys, and no reflection, which the launcher would pay for at each start.
func parseTOML(body []byte, where Where, name string) ([]Said, error) {
	d := document{where: where, name: name, seen: map[string]int{}}
	d.Reset(body)
	for d.NextExpression() {
		if err := d.expression(d.Expression()); err != nil {
			return nil, err
		}
	}
	if err := d.Error(); err != nil {
		at := name
		if bad, ok := errors.AsType[*unstable.ParserError](err); ok && len(bad.Highlight) > 0 {
			at = d.at(d.Range(bad.Highlight))
		}
		return nil, fmt.Errorf("%s: %w: %w", at, err, errdefs.ErrInvalidArgument)
	}
	return d.out, nil
}

// document is one that is being read.
type document struct {
	unstable.Parser
	where  Where
	name   string
	prefix string         // of the table, with a dot at its end
	seen   map[string]int // key to its line
	out    []Said
}

// at is a place in the document for a person.
func (d *document) at(r unstable.Range) string {
	return fmt.Sprintf("%s, line %d", d.name, d.line(r))
}

func (d *document) line(r unstable.Range) int { return d.Shape(r).Start.Line }

// expression takes a line of the document, or what goes over several.
func (d *document) expression(e *unstable.Node) error {
	switch e.Kind {
	case unstable.Table, unstable.ArrayTable:
		key, r := keyOf(e)
		s := byName()[key]
		if e.Kind == unstable.ArrayTable || s == nil || !s.family {
			if s != nil {
				return fmt.Errorf("%s: %s is no table: write %s = …: %w", d.at(r), key, key, errdefs.ErrInvalidArgument)
			}
			return fmt.Errorf("%s: %w", d.at(r), noSuch(key, d.where))
		}
		d.prefix = key + "."
		return nil
	case unstable.KeyValue:
		return d.keyValue(d.prefix, e)
	}
	return nil // a comment
}

// keyOf is the key of a table or a pair, its parts joined by dots, and where it begins.
func keyOf(e *unstable.Node) (string, unstable.Range) {
	var parts []string
	var begin unstable.Range
	for it := e.Key(); it.Next(); {
		if parts == nil {
			begin = it.Node().Raw
		}
		parts = append(parts, string(it.Node().Data))
	}
	return strings.Join(parts, "."), begin
}

func (d *document) keyValue(prefix string, e *unstable.Node) error {
	key, r := keyOf(e)
	key = prefix + key
	if d.where == Options && slices.Contains(passedOver, key) {
		return nil
	}
	if value := e.Value(); value.Kind == unstable.InlineTable && byName()[key] != nil && byName()[key].family {
		for it := value.Children(); it.Next(); {
			if err := d.keyValue(key+".", it.Node()); err != nil {
				return err
			}
		}
		return nil
	}
	text, err := scalar(e.Value())
	if err != nil {
		return fmt.Errorf("%s: %s: %w", d.at(r), printable(key), err)
	}
	said, err := say(key, text, d.where, d.at(r))
	if err != nil {
		return err
	}
	if first, twice := d.seen[said.Name()]; twice {
		return fmt.Errorf("%s: %s is in line %d already: %w", d.at(r), said.Name(), first, errdefs.ErrInvalidArgument)
	}
	d.seen[said.Name()] = d.line(r)
	d.out = append(d.out, said)
	return nil
}

// scalar is a value as the text that an annotation would have: a list has commas.
func scalar(n *unstable.Node) (string, error) {
	switch n.Kind {
	case unstable.String, unstable.Bool:
		return string(n.Data), nil
	case unstable.Integer:
		return strings.ReplaceAll(string(n.Data), "_", ""), nil
	case unstable.Array:
		var parts []string
		for it := n.Children(); it.Next(); {
			if it.Node().Kind == unstable.Comment {
				continue
			}
			if it.Node().Kind != unstable.String {
				return "", want("texts in the list")
			}
			parts = append(parts, string(it.Node().Data))
		}
		return strings.Join(parts, ","), nil
	}
	return "", want("a text, a number, true or false, and not %s", strings.ToLower(n.Kind.String()))
}
