package toolbox

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"wasmgo/pkg/toolbox/system"
)

// archiveApplets put files together. There is tar because `kubectl cp` runs it in the container.
func archiveApplets() []Applet {
	return []Applet{{
		Name: "tar", Synopsis: "[FILE...]", Summary: "make archives, and take them apart", run: runTar, rewrite: oldTar, Flags: []Flag{
			{Short: 'c', Long: "create", Help: "make an archive of the files"},
			{Short: 'x', Long: "extract", Help: "take one apart"},
			{Short: 't', Long: "list", Help: "list what is in one"},
			{Short: 'f', Long: "file", Value: "ARCHIVE", Help: "the archive; - and nothing are the standard streams"},
			{Short: 'C', Long: "directory", Value: "DIRECTORY", Help: "where names start"},
			{Short: 'm', Long: "touch", Help: "do not set times"},
			{Short: 'v', Long: "verbose", Help: "show names"},
			{Short: 'p', Help: "nothing: modes are not kept"},
			{Short: 'o', Long: "no-same-owner", Help: "nothing: owners are not kept"},
			{Long: "no-same-permissions", Help: "nothing: modes are not kept"},
			{Long: "warning", Value: "KEYWORD", Help: "nothing"},
		},
	}}
}

// oldTar puts the hyphen before the first argument that may be missing there: "tar cf x".
func oldTar(args []string) []string {
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		return args
	}
	return append([]string{"-" + args[0]}, args[1:]...)
}

func runTar(c *Call) error {
	archive, ok := c.value("f")
	if !ok {
		archive = "-"
	}
	file := archive
	if archive != "-" {
		file = c.path(archive)
	}
	if dir, ok := c.value("C"); ok {
		c.dir = c.path(dir)
	}
	switch create, extract, list := c.has("c"), c.has("x"), c.has("t"); {
	case create && !extract && !list:
		return c.pack(file)
	case extract != list && !create:
		return c.unpack(file)
	}
	return misused("wants one of -c, -x and -t")
}

// pack makes an archive.
func (c *Call) pack(archive string) (err error) {
	if len(c.args) == 0 {
		return misused("wants a file")
	}
	out := io.Writer(c.stdout)
	if archive != "-" {
		f, err := os.OpenFile(archive, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = watched{c.ctx, f}
	}
	w := tar.NewWriter(out)
	for _, name := range c.args {
		if err := c.packFile(w, name); err != nil {
			return err
		}
	}
	return w.Close()
}

// packFile adds a file, and what is below it. What cannot be read is told and left out.
func (c *Call) packFile(w *tar.Writer, name string) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	st, err := system.Lstat(c.path(name))
	if err != nil {
		c.complain(named(name, err))
		return nil
	}
	h := &tar.Header{
		Name: strings.TrimLeft(name, "/"), Mode: int64(st.Mode & 0o7777), Uid: int(st.UID), Gid: int(st.GID), ModTime: time.Unix(0, int64(st.Modified)),
	}
	if h.Name == "" {
		h.Name = "."
	}
	switch st.Mode & sIFMT {
	case sIFDIR:
		return c.packDirectory(w, h, name)
	case sIFLNK:
		h.Typeflag = tar.TypeSymlink
		if h.Linkname, err = os.Readlink(c.path(name)); err != nil {
			c.complain(named(name, err))
			return nil
		}
		return c.header(w, h)
	case sIFREG:
		h.Typeflag, h.Size = tar.TypeReg, int64(st.Size)
		return c.packData(w, h, name)
	}
	c.complain(&os.PathError{Op: "pack", Path: name, Err: errors.New("is no file, directory or link, and left out")})
	return nil
}

func (c *Call) header(w *tar.Writer, h *tar.Header) error {
	if c.has("v") {
		fmt.Fprintln(c.stderr, h.Name)
	}
	return w.WriteHeader(h)
}

func (c *Call) packDirectory(w *tar.Writer, h *tar.Header, name string) error {
	entries, err := os.ReadDir(c.path(name))
	if err != nil {
		c.complain(named(name, err))
		return nil
	}
	h.Typeflag, h.Name = tar.TypeDir, strings.TrimSuffix(h.Name, "/")+"/"
	if err := c.header(w, h); err != nil {
		return err
	}
	for _, e := range entries {
		if err := c.packFile(w, strings.TrimSuffix(name, "/")+"/"+e.Name()); err != nil {
			return err
		}
	}
	return nil
}

func (c *Call) packData(w *tar.Writer, h *tar.Header, name string) (err error) {
	f, err := os.Open(c.path(name))
	if err != nil {
		c.complain(named(name, err))
		return nil
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := c.header(w, h); err != nil {
		return err
	}
	n, err := io.Copy(w, io.LimitReader(attentive{c.ctx, f, c.stdout}, h.Size))
	if err == nil && n < h.Size {
		err = &os.PathError{Op: "pack", Path: name, Err: errors.New("became shorter while it was read")}
	}
	return err
}

// unpack takes an archive apart, or lists it. Names start in the directory and do not leave it, but a link in the archive may lead elsewhere in
// the container, as with any tar.
func (c *Call) unpack(archive string) error {
	return c.inputs([]string{archive}, func(_ string, r io.Reader) error {
		in := tar.NewReader(r)
		for {
			h, err := in.Next()
			if err != nil {
				return notEOF(err)
			}
			if c.has("t") {
				fmt.Fprintln(c.stdout, h.Name)
				continue
			}
			if c.has("v") {
				fmt.Fprintln(c.stderr, h.Name)
			}
			if err := c.unpackFile(in, h); err != nil {
				if c.ctx.Err() != nil {
					return err
				}
				c.complain(err)
			}
		}
	})
}

func (c *Call) unpackFile(in *tar.Reader, h *tar.Header) error {
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	if name == "" {
		return nil
	}
	to := c.path(name)
	if err := os.MkdirAll(path.Dir(to), 0o777); err != nil {
		return named(name, err)
	}
	var err error
	switch h.Typeflag {
	case tar.TypeDir:
		err = os.MkdirAll(to, 0o777)
	case tar.TypeReg:
		err = c.unpackData(in, to)
	case tar.TypeSymlink:
		if err = os.Remove(to); err == nil || errors.Is(err, fs.ErrNotExist) {
			err = os.Symlink(h.Linkname, to)
		}
	case tar.TypeLink:
		err = os.Link(c.path(strings.TrimPrefix(path.Clean("/"+h.Linkname), "/")), to)
	default:
		err = &os.PathError{Op: "unpack", Path: name, Err: errors.New("is no file, directory or link, and left out")}
	}
	if err == nil && !c.has("m") && h.Typeflag == tar.TypeReg {
		err = os.Chtimes(to, time.Time{}, h.ModTime)
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return &os.PathError{Op: "link", Path: name, Err: l.Err}
	}
	return named(name, err)
}

// unpackData writes a file anew: what has the name may be a link that leads elsewhere.
func (c *Call) unpackData(in io.Reader, to string) (err error) {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = io.Copy(watched{c.ctx, plainWriter{f}}, in)
	return err
}
