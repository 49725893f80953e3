package toolbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// textApplets read text.
func textApplets() []Applet {
	lines := Flag{Short: 'n', Long: "lines", Value: "COUNT", Help: "so many lines, 10 without it"}
	bytes := Flag{Short: 'c', Long: "bytes", Value: "COUNT", Help: "so many bytes"}
	quiet := Flag{Short: 'q', Long: "quiet", Help: "no headings"}
	heading := Flag{Short: 'v', Long: "verbose", Help: "headings for a single file, too"}
	return []Applet{
		grepApplet(),
		{Name: "head", Synopsis: "[FILE...]", Summary: "show the beginning of files", run: head, rewrite: oldCount, Flags: []Flag{lines, bytes, quiet, heading}},
		{Name: "tail", Synopsis: "[FILE...]", Summary: "show the end of files", run: tail, rewrite: oldCount, Flags: []Flag{
			lines, bytes, quiet, heading,
			{Short: 'f', Long: "follow", Help: "go on with what is appended"},
			{Short: 'F', Help: "as -f, also of a file that is replaced or not there yet"},
		}},
		{Name: "sort", Synopsis: "[FILE...]", Summary: "sort lines", run: sortLines, Flags: []Flag{
			{Short: 'n', Long: "numeric-sort", Help: "by the numbers they begin with"},
			{Short: 'r', Long: "reverse", Help: "the other way round"},
			{Short: 'u', Long: "unique", Help: "each once"},
			{Short: 'f', Long: "ignore-case", Help: "capitals are as small letters"},
			{Short: 'k', Long: "key", Value: "FIELD", Help: "from that field on, as 2 or 2,2"},
			{Short: 't', Value: "CHARACTER", Help: "what is between fields"},
		}},
		{Name: "tee", Synopsis: "[FILE...]", Summary: "copy standard input to files and to standard output", run: tee, Flags: []Flag{
			{Short: 'a', Long: "append", Help: "append to the files"},
		}},
		{Name: "uniq", Synopsis: "[FILE]", Summary: "leave out lines that are like the one before", run: uniq, Flags: []Flag{
			{Short: 'c', Long: "count", Help: "how often each was there"},
			{Short: 'd', Help: "only those that were there more often"},
			{Short: 'u', Help: "only those that were there once"},
		}},
		{Name: "wc", Synopsis: "[FILE...]", Summary: "count lines, words and bytes", run: wc, Flags: []Flag{
			{Short: 'l', Long: "lines", Help: "lines"},
			{Short: 'w', Long: "words", Help: "words"},
			{Short: 'c', Long: "bytes", Help: "bytes"},
			{Short: 'm', Long: "chars", Help: "characters"},
		}},
	}
}

// count is how much of a file head and tail show.
type count struct {
	n     int64
	sign  byte // '+', '-' or 0
	bytes bool
}

// count reads -n or -c; "-20" is as "-n 20".
func (c *Call) count() (count, error) {
	text, isLines := c.value("n")
	if b, ok := c.value("c"); ok {
		text, isLines = b, false
	} else if !isLines {
		text, isLines = "10", true
	}
	k := count{bytes: !isLines}
	if text != "" && (text[0] == '+' || text[0] == '-') {
		k.sign = text[0]
		text = text[1:]
	}
	digits := strings.TrimRight(text, "kKMGb")
	n, err := strconv.ParseInt(digits, 10, 63)
	unit := map[string]int64{"": 1, "b": 512, "k": 1 << 10, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[text[len(digits):]]
	if err != nil || unit == 0 || n > 1<<40 {
		return k, misused("no number: %q", text)
	}
	k.n = n * unit
	return k, nil
}

// oldCount turns "-20" into "-n 20" before flags are read.
func oldCount(args []string) []string {
	if len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' && args[0][1] >= '0' && args[0][1] <= '9' {
		return append([]string{"-n", args[0][1:]}, args[1:]...)
	}
	return args
}

// heading shows the name of a file above it where there are several.
func (c *Call) heading(i int, name string) {
	if len(c.args) < 2 && !c.has("v") || c.has("q") {
		return
	}
	if i > 0 {
		fmt.Fprintln(c.stdout)
	}
	fmt.Fprintf(c.stdout, "==> %s <==\n", name)
}

func head(c *Call) error {
	k, err := c.count()
	if err != nil {
		return err
	}
	i := 0
	return c.inputs(c.args, func(name string, r io.Reader) error {
		c.heading(i, name)
		i++
		return k.head(c.stdout, r)
	})
}

func (k count) head(w io.Writer, r io.Reader) error {
	in := bufio.NewReader(r)
	switch {
	case k.sign == '-':
		return k.butLast(w, in)
	case k.bytes:
		_, err := io.CopyN(plainWriter{w}, in, k.n)
		return notEOF(err)
	}
	for n := int64(0); n < k.n; {
		line, err := in.ReadSlice('\n')
		if _, werr := w.Write(line); werr != nil {
			return werr
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return notEOF(err)
		}
		if err == nil {
			n++
		}
	}
	return nil
}

// butLast shows all but the last n.
func (k count) butLast(w io.Writer, in *bufio.Reader) error {
	var held []string
	for {
		piece, err := k.piece(in)
		if piece != "" {
			held = append(held, piece)
		}
		if err != nil {
			return notEOF(err)
		}
		if int64(len(held)) > k.n {
			if _, err := io.WriteString(w, held[0]); err != nil {
				return err
			}
			held = held[1:]
		}
	}
}

// piece reads one of what is counted.
func (k count) piece(in *bufio.Reader) (string, error) {
	if k.bytes {
		b, err := in.ReadByte()
		if err != nil {
			return "", err
		}
		return string([]byte{b}), nil
	}
	return in.ReadString('\n')
}

func tail(c *Call) error {
	k, err := c.count()
	if err != nil {
		return err
	}
	i := 0
	err = c.inputs(c.args, func(name string, r io.Reader) error {
		c.heading(i, name)
		i++
		return k.tail(c.stdout, r)
	})
	if err != nil || !c.has("f") && !c.has("F") || len(c.args) == 0 {
		return err
	}
	return c.follow(c.args[len(c.args)-1])
}

func (k count) tail(w io.Writer, r io.Reader) error {
	in := bufio.NewReaderSize(r, 32<<10)
	if k.sign == '+' {
		for n := int64(1); n < k.n; n++ {
			if _, err := k.piece(in); err != nil {
				return notEOF(err)
			}
		}
		_, err := io.Copy(plainWriter{w}, plainReader{in})
		return err
	}
	if k.bytes {
		return tailBytes(w, in, k.n)
	}
	var held []string // a ring
	first := 0
	for {
		line, err := in.ReadString('\n')
		switch {
		case line == "" || k.n == 0:
		case int64(len(held)) < k.n:
			held = append(held, line)
		default:
			held[first] = line
			first = (first + 1) % len(held)
		}
		if err == nil {
			continue
		}
		if notEOF(err) != nil {
			return err
		}
		for i := range held {
			if _, err := io.WriteString(w, held[(first+i)%len(held)]); err != nil {
				return err
			}
		}
		return nil
	}
}

func tailBytes(w io.Writer, r io.Reader, n int64) error {
	var held []byte
	block := make([]byte, 32<<10)
	for {
		m, err := r.Read(block)
		held = append(held, block[:m]...)
		if over := int64(len(held)) - n; over > n+int64(len(block)) || err != nil && over > 0 {
			held = append(held[:0], held[over:]...)
		}
		if err != nil {
			if notEOF(err) != nil {
				return err
			}
			_, err = w.Write(held)
			return err
		}
	}
}

// followEvery is how often a file is looked at that is followed: WASI tells of no changes.
const followEvery = 200 * time.Millisecond

// follow shows what is appended to a file until the call ends.
func (c *Call) follow(name string) error {
	var at int64
	st, err := os.Stat(c.path(name))
	if err == nil {
		at = st.Size()
	}
	for {
		if err := c.stdout.Flush(); err != nil {
			return err
		}
		if err := c.pause(followEvery); err != nil {
			return err
		}
		now, err := os.Stat(c.path(name))
		switch {
		case errors.Is(err, fs.ErrNotExist) && c.has("F"):
			at = 0
			continue
		case err != nil:
			return named(name, err)
		case now.Size() < at || c.has("F") && st != nil && !os.SameFile(st, now):
			at = 0 // cut off, or another one
		}
		st = now
		if now.Size() == at {
			continue
		}
		if at, err = c.showFrom(name, at); err != nil {
			return err
		}
	}
}

func (c *Call) showFrom(name string, at int64) (_ int64, err error) {
	f, err := os.Open(c.path(name))
	if err != nil {
		return at, named(name, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		return at, named(name, err)
	}
	n, err := io.Copy(plainWriter{c.stdout}, attentive{c.ctx, f, c.stdout})
	return at + n, err
}

func wc(c *Call) error {
	type counts struct{ lines, words, chars, bytes int64 }
	var sum counts
	show := func(n counts, name string) {
		var fields []string
		all := !c.has("l") && !c.has("w") && !c.has("c") && !c.has("m")
		for _, f := range []struct {
			key string
			n   int64
		}{{"l", n.lines}, {"w", n.words}, {"m", n.chars}, {"c", n.bytes}} {
			if c.has(f.key) || all && f.key != "m" {
				fields = append(fields, fmt.Sprint(f.n))
			}
		}
		if len(fields) > 1 || len(c.args) > 1 {
			for i, f := range fields {
				fields[i] = fmt.Sprintf("%7s", f)
			}
		}
		if name != "" {
			fields = append(fields, name)
		}
		fmt.Fprintln(c.stdout, strings.Join(fields, " "))
	}
	err := c.inputs(c.args, func(name string, r io.Reader) error {
		var n counts
		in, word := bufio.NewReaderSize(r, 32<<10), false
		for {
			ch, size, err := in.ReadRune()
			if err != nil {
				if notEOF(err) != nil {
					return err
				}
				break
			}
			n.bytes += int64(size)
			n.chars++
			if ch == '\n' {
				n.lines++
			}
			space := unicode.IsSpace(ch)
			if !space && !word {
				n.words++
			}
			word = !space
		}
		if len(c.args) == 0 {
			name = ""
		}
		show(n, name)
		sum = counts{sum.lines + n.lines, sum.words + n.words, sum.chars + n.chars, sum.bytes + n.bytes}
		return nil
	})
	if len(c.args) > 1 {
		show(sum, "total")
	}
	return err
}

func tee(c *Call) (err error) {
	how := os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	if c.has("a") {
		how = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	to := []io.Writer{plainWriter{c.stdout}}
	for _, name := range c.args {
		f, openErr := os.OpenFile(c.path(name), how, 0o666)
		if openErr != nil {
			c.complain(named(name, openErr))
			continue
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		to = append(to, f)
	}
	_, err = io.Copy(io.MultiWriter(to...), c.stdin)
	return err
}

// printable is s, or what it is in words if it is not text.
func printable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }
