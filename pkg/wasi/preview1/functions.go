package preview1

import (
	"wasmgo/pkg/component/corewasm"
)

// arg is an argument of 32 bits.
func arg(a []corewasm.Val, i int) uint32 { return uint32(a[i].Lo) }

// plain makes a Function of one that cannot end the guest.
func plain(params string, call func(h *Host, a []corewasm.Val) Errno) Function {
	return Function{Params: params, Call: func(h *Host, a []corewasm.Val) (Errno, error) { return call(h, a), nil }}
}

// functions are those of WASI 0.1 that Go uses, in the order of its document.
var functions = map[string]Function{
	"args_get":       plain("ii", func(h *Host, a []corewasm.Val) Errno { return h.strings(h.args, arg(a, 0), arg(a, 1)) }),
	"args_sizes_get": plain("ii", func(h *Host, a []corewasm.Val) Errno { return h.sizes(h.args, arg(a, 0), arg(a, 1)) }),
	"environ_get":    plain("ii", func(h *Host, a []corewasm.Val) Errno { return h.strings(h.env, arg(a, 0), arg(a, 1)) }),
	"environ_sizes_get": plain("ii", func(h *Host, a []corewasm.Val) Errno {
		return h.sizes(h.env, arg(a, 0), arg(a, 1))
	}),
	"clock_time_get": plain("ili", func(h *Host, a []corewasm.Val) Errno { return h.clockTime(arg(a, 0), arg(a, 2)) }),

	"fd_close":      plain("i", func(h *Host, a []corewasm.Val) Errno { return h.fdClose(arg(a, 0)) }),
	"fd_fdstat_get": plain("ii", func(h *Host, a []corewasm.Val) Errno { return h.fdstat(arg(a, 0), arg(a, 1)) }),
	"fd_fdstat_set_flags": plain("ii", func(h *Host, a []corewasm.Val) Errno {
		return h.setFlags(arg(a, 0), arg(a, 1))
	}),
	"fd_filestat_get":      plain("ii", func(h *Host, a []corewasm.Val) Errno { return h.filestat(arg(a, 0), arg(a, 1)) }),
	"fd_filestat_set_size": plain("il", func(h *Host, a []corewasm.Val) Errno { return h.setSize(arg(a, 0), a[1].Lo) }),
	"fd_pread": plain("iiili", func(h *Host, a []corewasm.Val) Errno {
		return h.pread(arg(a, 0), arg(a, 1), arg(a, 2), a[3].Lo, arg(a, 4))
	}),
	"fd_prestat_get": plain("ii", func(h *Host, a []corewasm.Val) Errno { return h.prestat(arg(a, 0), arg(a, 1)) }),
	"fd_prestat_dir_name": plain("iii", func(h *Host, a []corewasm.Val) Errno {
		return h.prestatName(arg(a, 0), arg(a, 1), arg(a, 2))
	}),
	"fd_pwrite": plain("iiili", func(h *Host, a []corewasm.Val) Errno {
		return h.pwrite(arg(a, 0), arg(a, 1), arg(a, 2), a[3].Lo, arg(a, 4))
	}),
	"fd_read": plain("iiii", func(h *Host, a []corewasm.Val) Errno { return h.read(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3)) }),
	"fd_readdir": plain("iiili", func(h *Host, a []corewasm.Val) Errno {
		return h.readdir(arg(a, 0), arg(a, 1), arg(a, 2), a[3].Lo, arg(a, 4))
	}),
	"fd_seek": plain("ilii", func(h *Host, a []corewasm.Val) Errno {
		return h.seek(arg(a, 0), int64(a[1].Lo), arg(a, 2), arg(a, 3))
	}),
	"fd_sync":  plain("i", func(h *Host, a []corewasm.Val) Errno { return h.sync(arg(a, 0)) }),
	"fd_write": plain("iiii", func(h *Host, a []corewasm.Val) Errno { return h.write(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3)) }),

	"path_create_directory": plain("iii", func(h *Host, a []corewasm.Val) Errno {
		return h.at(arg(a, 0), arg(a, 1), arg(a, 2), (*place).createDirectory)
	}),
	"path_filestat_get": plain("iiiii", func(h *Host, a []corewasm.Val) Errno {
		return h.at(arg(a, 0), arg(a, 2), arg(a, 3), func(p *place) error { return p.filestat(h, arg(a, 1), arg(a, 4)) })
	}),
	"path_filestat_set_times": plain("iiiilli", func(h *Host, a []corewasm.Val) Errno {
		return h.at(arg(a, 0), arg(a, 2), arg(a, 3), func(p *place) error { return p.setTimes(arg(a, 1), a[4].Lo, a[5].Lo, arg(a, 6)) })
	}),
	"path_link": plain("iiiiiii", func(h *Host, a []corewasm.Val) Errno {
		return h.between(arg(a, 0), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), arg(a, 6), func(from, to *place) error {
			return from.dir.LinkAt(follows(arg(a, 1)), from.name, to.dir, to.name)
		})
	}),
	"path_open": plain("iiiiillii", func(h *Host, a []corewasm.Val) Errno {
		return h.at(arg(a, 0), arg(a, 2), arg(a, 3), func(p *place) error {
			return p.open(h, arg(a, 1), arg(a, 4), a[5].Lo, arg(a, 7), arg(a, 8))
		})
	}),
	"path_readlink": plain("iiiiii", func(h *Host, a []corewasm.Val) Errno {
		return h.at(arg(a, 0), arg(a, 1), arg(a, 2), func(p *place) error { return p.readlink(h, arg(a, 3), arg(a, 4), arg(a, 5)) })
	}),
	"path_remove_directory": plain("iii", func(h *Host, a []corewasm.Val) Errno {
		return h.at(arg(a, 0), arg(a, 1), arg(a, 2), func(p *place) error { return p.dir.RemoveDirectoryAt(p.name) })
	}),
	"path_rename": plain("iiiiii", func(h *Host, a []corewasm.Val) Errno {
		return h.between(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3), arg(a, 4), arg(a, 5), func(from, to *place) error {
			return from.dir.RenameAt(from.name, to.dir, to.name)
		})
	}),
	"path_symlink": plain("iiiii", func(h *Host, a []corewasm.Val) Errno {
		to, ok := h.text(arg(a, 0), arg(a, 1))
		if !ok {
			return fault
		}
		return h.at(arg(a, 2), arg(a, 3), arg(a, 4), func(p *place) error { return p.symlink(to) })
	}),
	"path_unlink_file": plain("iii", func(h *Host, a []corewasm.Val) Errno {
		return h.at(arg(a, 0), arg(a, 1), arg(a, 2), func(p *place) error { return p.dir.UnlinkFileAt(p.name) })
	}),

	"poll_oneoff": plain("iiii", func(h *Host, a []corewasm.Val) Errno { return h.poll(arg(a, 0), arg(a, 1), arg(a, 2), arg(a, 3)) }),
	"proc_exit": {Params: "i", Void: true, Call: func(_ *Host, a []corewasm.Val) (Errno, error) {
		return Success, &Exit{Code: arg(a, 0)}
	}},
	"sched_yield": plain("", func(*Host, []corewasm.Val) Errno { return Success }),
	"random_get":  plain("ii", func(h *Host, a []corewasm.Val) Errno { return h.random(arg(a, 0), arg(a, 1)) }),
}
