package toolbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"wasmgo/pkg/toolbox/abi"
	"wasmgo/pkg/toolbox/system"
)

// listApplets tell what there is.
func listApplets() []Applet {
	human := Flag{Short: 'h', Help: "sizes as 1.5M"}
	return []Applet{
		{Name: "df", Synopsis: "[FILE...]", Summary: "show the room on file systems", run: df, Flags: []Flag{
			human, {Short: 'k', Help: "sizes in KiB, which is how they are without it"}, {Short: 'i', Long: "inodes", Help: "files in place of bytes"},
		}},
		{Name: "du", Synopsis: "[FILE...]", Summary: "show the room that files take", run: du, Flags: []Flag{
			human,
			{Short: 's', Long: "summarize", Help: "sums only"},
			{Short: 'a', Long: "all", Help: "files too, and not directories alone"},
			{Short: 'k', Help: "sizes in KiB, which is how they are without it"},
		}},
		{Name: "find", Synopsis: "[DIRECTORY...] [EXPRESSION]", Summary: "find files; EXPRESSION is of -name -iname -path -type -size -mtime -mmin -newer -empty -maxdepth -mindepth -perm -user -group -prune -print -print0 -delete -exec ! -a -o ( )", run: findFiles, raw: true},
		{Name: "ls", Synopsis: "[FILE...]", Summary: "list files and directories", run: ls, Flags: []Flag{
			{Short: 'a', Long: "all", Help: "names that begin with a dot, too"},
			{Short: 'A', Long: "almost-all", Help: "as -a without . and .."},
			{Short: 'l', Help: "mode, owner, size and time"},
			{Short: 'd', Long: "directory", Help: "directories themselves, not what is in them"},
			{Short: '1', Help: "one in each line"},
			{Short: 'R', Long: "recursive", Help: "what is in directories, too"},
			{Short: 't', Help: "newest first"},
			{Short: 'S', Help: "largest first"},
			{Short: 'r', Long: "reverse", Help: "the other way round"},
			human,
			{Short: 'i', Long: "inode", Help: "with the number of each"},
			{Short: 'F', Long: "classify", Help: "with a mark that says what it is"},
			{Short: 'n', Help: "as -l, which shows numbers here"},
		}},
		{Name: "stat", Synopsis: "FILE...", Summary: "show what is known of files", run: stat, Flags: []Flag{
			{Short: 'L', Long: "dereference", Help: "of what links lead to"}, {Short: 'c', Long: "format", Value: "FORMAT", Help: "%a %A %b %F %g %h %i %n %N %s %u %X %x %Y %y %Z %z"},
		}},
	}
}

// entry is a name in a list.
type entry struct {
	name string
	st   abi.Stat
}

func ls(c *Call) error {
	names := c.args
	if len(names) == 0 {
		names = []string{"."}
	}
	var files []entry
	var dirs []string
	for _, name := range names {
		get := system.Stat
		if c.has("l") || c.has("d") || c.has("n") {
			get = system.Lstat
		}
		st, err := get(c.path(name))
		if errors.Is(err, fs.ErrNotExist) { // a link that leads nowhere is there all the same
			st, err = system.Lstat(c.path(name))
		}
		switch {
		case err != nil:
			c.complain(named(name, err))
			c.status = codeUsage
		case st.Mode&sIFMT == sIFDIR && !c.has("d"):
			dirs = append(dirs, name)
		default:
			files = append(files, entry{name, st})
		}
	}
	c.list("", files)
	for i, dir := range dirs {
		if i > 0 || len(files) > 0 {
			fmt.Fprintln(c.stdout)
		}
		if err := c.listDirectory(dir, len(names) > 1 || c.has("R")); err != nil {
			return err
		}
	}
	return nil
}

func (c *Call) listDirectory(dir string, heading bool) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	list, err := os.ReadDir(c.path(dir))
	if err != nil {
		c.complain(named(dir, err))
		c.status = codeUsage
		return nil
	}
	names := make([]string, 0, len(list)+2)
	if c.has("a") {
		names = append(names, ".", "..")
	}
	for _, e := range list {
		if c.has("a") || c.has("A") || !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	var entries []entry
	for _, name := range names {
		st, err := system.Lstat(c.path(path.Join(dir, name)))
		if err != nil {
			c.complain(named(path.Join(dir, name), err))
			continue
		}
		entries = append(entries, entry{name, st})
	}
	if heading {
		fmt.Fprintf(c.stdout, "%s:\n", dir)
	}
	if c.has("l") || c.has("n") {
		var blocks uint64
		for _, e := range entries {
			blocks += e.st.Blocks
		}
		fmt.Fprintf(c.stdout, "total %d\n", blocks/2)
	}
	c.list(dir, entries)
	if !c.has("R") {
		return nil
	}
	for _, e := range entries {
		if e.st.Mode&sIFMT == sIFDIR && e.name != "." && e.name != ".." {
			fmt.Fprintln(c.stdout)
			if err := c.listDirectory(path.Join(dir, e.name), true); err != nil {
				return err
			}
		}
	}
	return nil
}

// list shows entries of dir in the order and the form asked for.
func (c *Call) list(dir string, entries []entry) {
	slices.SortStableFunc(entries, func(a, b entry) int {
		order := 0
		switch {
		case c.has("t"):
			order = int(int64(b.st.Modified-a.st.Modified) >> 63)
			if order == 0 && b.st.Modified != a.st.Modified {
				order = 1
			}
		case c.has("S"):
			order = int(min(max(int64(b.st.Size)-int64(a.st.Size), -1), 1))
		}
		if order == 0 {
			order = strings.Compare(a.name, b.name)
		}
		if c.has("r") {
			return -order
		}
		return order
	})
	long := c.has("l") || c.has("n")
	var columns [5]int
	rows := make([][5]string, len(entries))
	for i, e := range entries {
		rows[i] = [5]string{
			fmt.Sprint(e.st.Links), fmt.Sprint(e.st.UID), fmt.Sprint(e.st.GID), c.size(e.st), fmt.Sprint(e.st.Ino),
		}
		for j, text := range rows[i] {
			columns[j] = max(columns[j], len(text))
		}
	}
	var shown []string
	for i, e := range entries {
		prefix := ""
		if c.has("i") {
			prefix = fmt.Sprintf("%*s ", columns[4], rows[i][4])
		}
		name := e.name
		if c.has("F") {
			name += typeMark(e.st.Mode)
		}
		if !long {
			shown = append(shown, prefix+name)
			continue
		}
		if e.st.Mode&sIFMT == sIFLNK {
			if to, err := os.Readlink(c.path(path.Join(dir, e.name))); err == nil {
				name += " -> " + to
			}
		}
		fmt.Fprintf(c.stdout, "%s%s %*s %-*s %-*s %*s %s %s\n", prefix, modeText(e.st.Mode), columns[0], rows[i][0], columns[1], rows[i][1],
			columns[2], rows[i][2], columns[3], rows[i][3], shortTime(e.st.Modified), name)
	}
	c.columns(shown)
}

// columns shows names beside each other on a terminal, each in a line elsewhere.
func (c *Call) columns(names []string) {
	width := 0
	for _, name := range names {
		width = max(width, len([]rune(name))+2)
	}
	across := 1
	if w := c.width(); w > 0 && width > 0 && !c.has("1") {
		across = max(1, w/width)
	}
	down := (len(names) + across - 1) / across
	for row := range down {
		var b strings.Builder
		for column := range across {
			i := column*down + row
			if i >= len(names) {
				break
			}
			b.WriteString(names[i])
			if i+down < len(names) {
				b.WriteString(strings.Repeat(" ", width-len([]rune(names[i]))))
			}
		}
		fmt.Fprintln(c.stdout, b.String())
	}
}

// size is a file's; of a device the number.
func (c *Call) size(st abi.Stat) string {
	if f := st.Mode & sIFMT; f == sIFCHR || f == sIFBLK {
		return fmt.Sprintf("%d, %d", st.Rdev>>8&0xfff, st.Rdev&0xff|st.Rdev>>12&0xfff00)
	}
	if c.has("h") {
		return human(st.Size)
	}
	return strconv.FormatUint(st.Size, 10)
}

// human is a number of bytes in few characters.
func human(n uint64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return strconv.FormatUint(n, 10)
	}
	f, unit := float64(n)/1024, 0
	for f >= 1023.5 && unit < len(units)-1 {
		f /= 1024
		unit++
	}
	if f < 9.95 {
		return fmt.Sprintf("%.1f%c", f, units[unit])
	}
	return fmt.Sprintf("%.0f%c", f, units[unit])
}

// modeText is a mode as ls shows it: "-rwxr-xr-x".
func modeText(mode uint64) string {
	b := []byte{'?'}
	if i := slices.Index([]uint64{sIFREG, sIFDIR, sIFLNK, sIFCHR, sIFBLK, sIFIFO, sIFSOCK}, mode&sIFMT); i >= 0 {
		b[0] = "-dlcbps"[i]
	}
	for i, r := range "rwxrwxrwx" {
		if mode>>(8-i)&1 == 0 {
			r = '-'
		}
		b = append(b, byte(r))
	}
	for _, s := range []struct {
		bit     uint64
		at      int
		with, o byte
	}{{0o4000, 3, 's', 'S'}, {0o2000, 6, 's', 'S'}, {0o1000, 9, 't', 'T'}} {
		switch {
		case mode&s.bit == 0:
		case b[s.at] == 'x':
			b[s.at] = s.with
		default:
			b[s.at] = s.o
		}
	}
	return string(b)
}

// typeMark says what a file is, behind its name.
func typeMark(mode uint64) string {
	switch mode & sIFMT {
	case sIFDIR:
		return "/"
	case sIFLNK:
		return "@"
	case sIFIFO:
		return "|"
	case sIFSOCK:
		return "="
	case sIFREG:
		if mode&0o111 != 0 {
			return "*"
		}
	}
	return ""
}

// shortTime is a time as ls shows it.
func shortTime(nanoseconds uint64) string {
	const halfAYear = 183 * 24 * time.Hour
	t := time.Unix(0, int64(nanoseconds))
	if age := time.Since(t); age > halfAYear || age < -time.Hour {
		return t.Format("Jan _2  2006")
	}
	return t.Format("Jan _2 15:04")
}
