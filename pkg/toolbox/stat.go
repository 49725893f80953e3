package toolbox

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"wasmgo/pkg/toolbox/abi"
	"wasmgo/pkg/toolbox/system"
)

// formatText is what stat shows without -c.
const formatText = "  File: %N\n  Size: %s\tBlocks: %b\t%F\nAccess: (%a/%A)  Uid: %u  Gid: %g  Links: %h  Inode: %i\nAccess: %x\nModify: %y\nChange: %z"

func stat(c *Call) error {
	get, format := system.Lstat, formatText
	if c.has("L") {
		get = system.Stat
	}
	if f, ok := c.value("c"); ok {
		format = f
	}
	return c.each(func(name string) error {
		st, err := get(c.path(name))
		if err != nil {
			return err
		}
		fmt.Fprintln(c.stdout, c.format(format, name, st))
		return nil
	})
}

// format puts what is known of a file into the places of a format.
func (c *Call) format(format, name string, st abi.Stat) string {
	var b strings.Builder
	for i := 0; i < len(format); i++ {
		if format[i] != '%' || i+1 == len(format) {
			b.WriteByte(format[i])
			continue
		}
		i++
		switch format[i] {
		case 'a':
			fmt.Fprintf(&b, "%o", st.Mode&0o7777)
		case 'A':
			b.WriteString(modeText(st.Mode))
		case 'b':
			fmt.Fprint(&b, st.Blocks)
		case 'F':
			b.WriteString(kindText(st))
		case 'g':
			fmt.Fprint(&b, st.GID)
		case 'h':
			fmt.Fprint(&b, st.Links)
		case 'i':
			fmt.Fprint(&b, st.Ino)
		case 'n':
			b.WriteString(name)
		case 'N':
			b.WriteString(name)
			if to, err := os.Readlink(c.path(name)); err == nil {
				b.WriteString(" -> " + to)
			}
		case 's':
			fmt.Fprint(&b, st.Size)
		case 'u':
			fmt.Fprint(&b, st.UID)
		case 'X', 'Y', 'Z':
			fmt.Fprint(&b, stamp(format[i], st).Unix())
		case 'x', 'y', 'z':
			b.WriteString(stamp(format[i]-'a'+'A', st).Format("2006-01-02 15:04:05.000000000 -0700"))
		case '%':
			b.WriteByte('%')
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

func stamp(which byte, st abi.Stat) time.Time {
	return time.Unix(0, int64(map[byte]uint64{'X': st.Accessed, 'Y': st.Modified, 'Z': st.Changed}[which]))
}

func kindText(st abi.Stat) string {
	switch st.Mode & sIFMT {
	case sIFREG:
		if st.Size == 0 {
			return "regular empty file"
		}
		return "regular file"
	case sIFDIR:
		return "directory"
	case sIFLNK:
		return "symbolic link"
	case sIFCHR:
		return "character special file"
	case sIFBLK:
		return "block special file"
	case sIFIFO:
		return "fifo"
	case sIFSOCK:
		return "socket"
	}
	return "unknown"
}

func df(c *Call) error {
	if len(c.args) == 0 {
		c.args = []string{"/"}
		if c.dir != "/" {
			c.args = append(c.args, c.dir)
		}
	}
	size, head := func(n uint64) string { return fmt.Sprint((n + 1023) / 1024) }, "1K-blocks"
	if c.has("h") {
		size, head = human, "Size"
	}
	if c.has("i") {
		fmt.Fprintf(c.stdout, "%12s %10s %10s %5s %s\n", "Inodes", "IUsed", "IFree", "IUse%", "Holds")
	} else {
		fmt.Fprintf(c.stdout, "%12s %10s %10s %5s %s\n", head, "Used", "Available", "Use%", "Holds")
	}
	return c.each(func(name string) error {
		st, err := system.StatFS(c.path(name))
		if err != nil {
			return err
		}
		if c.has("i") {
			used := st.Files - min(st.FilesFree, st.Files)
			fmt.Fprintf(c.stdout, "%12d %10d %10d %5s %s\n", st.Files, used, st.FilesFree, percent(used, st.Files), name)
			return nil
		}
		used := (st.Blocks - min(st.Free, st.Blocks)) * st.BlockSize
		available := st.Available * st.BlockSize
		fmt.Fprintf(c.stdout, "%12s %10s %10s %5s %s\n", size(st.Blocks*st.BlockSize), size(used), size(available), percent(used, used+available), name)
		return nil
	})
}

// percent is a part of a whole, rounded up.
func percent(part, whole uint64) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f%%", min(100, float64(part)*100/float64(whole)+0.499))
}

func du(c *Call) error {
	if len(c.args) == 0 {
		c.args = []string{"."}
	}
	return c.each(func(name string) error {
		_, err := c.usage(name, true)
		return err
	})
}

// usage is the bytes that name takes; what is below is shown if asked for.
func (c *Call) usage(name string, top bool) (uint64, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	st, err := system.Lstat(c.path(name))
	if err != nil {
		return 0, err
	}
	sum := st.Blocks * 512
	directory := st.Mode&sIFMT == sIFDIR
	if directory {
		entries, err := os.ReadDir(c.path(name))
		if err != nil {
			c.complain(named(name, err))
		}
		for _, e := range entries {
			n, err := c.usage(path.Join(name, e.Name()), false)
			if errors.Is(err, c.ctx.Err()) && err != nil {
				return 0, err
			}
			if err != nil {
				c.complain(err)
			}
			sum += n
		}
	}
	if top || !c.has("s") && (directory || c.has("a")) {
		shown := fmt.Sprint((sum + 1023) / 1024)
		if c.has("h") {
			shown = human(sum)
		}
		fmt.Fprintf(c.stdout, "%s\t%s\n", shown, name)
	}
	return sum, nil
}
