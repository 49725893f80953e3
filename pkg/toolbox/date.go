package toolbox

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// dateForms are what FORMAT has, in Go's words.
var dateForms = map[byte]string{
	'Y': "2006", 'm': "01", 'd': "02", 'H': "15", 'M': "04", 'S': "05", 'y': "06", 'I': "03", 'p': "PM", 'Z': "MST", 'z': "-0700",
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'B': "January", 'h': "Jan", 'e': "_2", 'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04",
	'D': "01/02/06", 'c': "Mon Jan _2 15:04:05 2006", 'j': "002", 'x': "01/02/06", 'X': "15:04:05",
}

func date(c *Call) error {
	t := time.Now()
	if text, ok := c.value("d"); ok {
		var err error
		if t, err = parseTime(text); err != nil {
			return misused("%v", err)
		}
	}
	if name, ok := c.value("r"); ok {
		st, err := os.Stat(c.path(name))
		if err != nil {
			return named(name, err)
		}
		t = st.ModTime()
	}
	if zone, err := time.LoadLocation(c.lookup("TZ")); err == nil && c.lookup("TZ") != "" {
		t = t.In(zone)
	}
	if c.has("u") {
		t = t.UTC()
	}
	switch {
	case len(c.args) > 1 || len(c.args) == 1 && !strings.HasPrefix(c.args[0], "+"):
		return misused("wants +FORMAT; the time is the host's and cannot be set")
	case len(c.args) == 1:
		fmt.Fprintln(c.stdout, dateText(c.args[0][1:], t))
	case c.has("I"):
		fmt.Fprintln(c.stdout, t.Format(time.DateOnly))
	case c.has("R"):
		fmt.Fprintln(c.stdout, t.Format(time.RFC1123Z))
	default:
		fmt.Fprintln(c.stdout, t.Format(time.UnixDate))
	}
	return nil
}

// dateText puts t into a format.
func dateText(format string, t time.Time) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch form, ok := dateForms[format[i]]; {
		case ok:
			b.WriteString(t.Format(form))
		case format[i] == 's':
			fmt.Fprint(&b, t.Unix())
		case format[i] == 'N':
			fmt.Fprintf(&b, "%09d", t.Nanosecond())
		case format[i] == 'u':
			fmt.Fprint(&b, (int(t.Weekday())+6)%7+1)
		case format[i] == 'n':
			b.WriteByte('\n')
		case format[i] == '%':
			b.WriteByte('%')
		default:
			b.WriteString("%" + format[i:i+1])
		}
	}
	return b.String()
}
