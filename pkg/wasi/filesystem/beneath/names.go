package beneath

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// at does something to the place of name, if d allows changes.
func (d *Descriptor) at(op, name string, do func(p *place) error) error {
	if err := d.changeable(); err != nil {
		return failed(op, name, err)
	}
	p, err := d.place(name)
	if err != nil {
		return failed(op, name, err)
	}
	defer p.close()
	return failed(op, name, retry(func() error { return do(&p) }))
}

// CreateDirectoryAt makes a directory.
func (d *Descriptor) CreateDirectoryAt(name string) error {
	return d.at("mkdir", name, func(p *place) error { return unix.Mkdirat(p.dir, p.base, 0o777) })
}

// LinkAt makes newName in to another name of the file that name leads to.
func (d *Descriptor) LinkAt(follow bool, name string, to *Descriptor, newName string) error {
	if err := d.changeable(); err != nil {
		return failed("link", name, err)
	}
	p, err := d.existing(follow, name)
	if err != nil {
		return failed("link", name, err)
	}
	defer p.close()
	return to.at("link", newName, func(n *place) error {
		if err := n.fresh(); err != nil {
			return err
		}
		return unix.Linkat(p.dir, p.base, n.dir, n.base, 0)
	})
}

// ReadlinkAt is what a link says. An absolute path is only told where it means something: from the guest's root.
func (d *Descriptor) ReadlinkAt(name string) (string, error) {
	to, err := d.readlinkAt(name)
	return to, failed("readlink", name, err)
}

func (d *Descriptor) readlinkAt(name string) (string, error) {
	p, err := d.existing(false, name)
	if err != nil {
		return "", err
	}
	defer p.close()
	to, err := readlink(p.dir, p.base)
	switch {
	case err != nil:
		return "", err
	case to[0] == '/' && d.root == nil:
		return "", unix.EPERM
	case !utf8.ValidString(to):
		return "", unix.EILSEQ
	}
	return to, nil
}

// RemoveDirectoryAt removes an empty directory.
func (d *Descriptor) RemoveDirectoryAt(name string) error {
	return d.at("rmdir", name, func(p *place) error { return unix.Unlinkat(p.dir, p.base, unix.AT_REMOVEDIR) })
}

// RenameAt gives what is at name the name newName in to. What was there before is gone.
func (d *Descriptor) RenameAt(name string, to *Descriptor, newName string) error {
	return d.at("rename", name, func(p *place) error {
		if err := p.directory(); err != nil {
			return err
		}
		err := to.at("rename", newName, func(n *place) error {
			if n.slash { // then it is to become a directory
				old := *p
				old.slash = true
				if err := old.directory(); err != nil {
					return err
				}
			}
			return unix.Renameat(p.dir, p.base, n.dir, n.base)
		})
		return bare(err)
	})
}

// bare takes the operation and the path off an error, for a caller that puts on its own.
func bare(err error) error {
	var errno unix.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

// SymlinkAt makes a link at name that says to. Absolute ones are not for guests to make.
func (d *Descriptor) SymlinkAt(to, name string) error {
	return d.at("symlink", name, func(p *place) error {
		switch {
		case strings.HasPrefix(to, "/"):
			return unix.EPERM
		case strings.IndexByte(to, 0) >= 0:
			return unix.EINVAL
		}
		if err := p.fresh(); err != nil {
			return err
		}
		return unix.Symlinkat(to, p.dir, p.base)
	})
}

// UnlinkFileAt removes what is no directory.
func (d *Descriptor) UnlinkFileAt(name string) error {
	return d.at("unlink", name, func(p *place) error {
		if err := p.directory(); err != nil {
			return err
		}
		return unix.Unlinkat(p.dir, p.base, 0)
	})
}
