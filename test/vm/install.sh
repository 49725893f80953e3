#!/bin/sh
# test/vm/install.sh: fetches what the tests of this directory boot, into build/vm, from the Debian archive that apt
# knows. Nothing is installed on this machine but qemu and mmdebstrap, and those only when they are missing.
# What is there already is not fetched again; remove build/vm to begin anew.
set -eu

cd "$(dirname "$0")/../.."
dir=$PWD/build/vm
mkdir -p "$dir"

need() { # command, package
	command -v "$1" >/dev/null && return
	[ "$(id -u)" = 0 ] || {
		echo "missing: $1; to get it: sudo apt-get install -y --no-install-recommends $2" >&2
		exit 1
	}
	update
	DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$2"
}

# The lists are fetched at most once, and only when something is to be fetched from them.
updated=
update() {
	[ -n "$updated" ] || ! [ "$(id -u)" = 0 ] || apt-get update -q
	updated=yes
}

# fetch PACKAGE unpacks a package's files into a directory and prints its name.
fetch() {
	(
		cd "$tmp"
		apt-get download -q "$1" >/dev/null
		dpkg-deb -x "$1"_*.deb "$1"
	)
	echo "$tmp/$1"
}

command -v apt-get >/dev/null || {
	echo "missing: apt-get (the machines are made of Debian packages); put vmlinuz, overlay.ko, busybox and systemd.tar into build/vm by hand" >&2
	exit 1
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# apt fetches as a user of its own, who must be able to write here.
chmod 777 "$tmp"

need qemu-system-x86_64 qemu-system-x86

if ! [ -e "$dir/vmlinuz" ] || ! [ -e "$dir/overlay.ko" ]; then
	update
	# Debian's kernel for virtual machines; Ubuntu has it under another name, with the modules in a package of their own.
	package=
	for name in linux-image-cloud-amd64 linux-image-virtual; do
		[ -n "$package" ] || package=$(apt-cache depends "$name" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
	done
	[ -n "$package" ] || {
		echo "missing: the package linux-image-cloud-amd64 or linux-image-virtual (a kernel for virtual machines)" >&2
		exit 1
	}
	from=$(fetch "$package")
	module=$(find "$from" -name 'overlay.ko*')
	[ -n "$module" ] || module=$(find "$(fetch "linux-modules-${package#linux-image-}")" -name 'overlay.ko*')
	case $module in
	*.xz) xz -dc "$module" >"$dir/overlay.ko" ;;
	*.zst) zstd -dc "$module" >"$dir/overlay.ko" ;;
	*) cp "$module" "$dir/overlay.ko" ;;
	esac
	cp "$from"/boot/vmlinuz-* "$dir/vmlinuz"
fi

if ! [ -e "$dir/busybox" ]; then
	update
	from=$(fetch busybox-static)
	cp "$from/bin/busybox" "$dir/busybox" 2>/dev/null || cp "$from/usr/bin/busybox" "$dir/busybox"
fi

if ! [ -e "$dir/systemd.tar" ]; then
	need mmdebstrap mmdebstrap
	release=$(. /etc/os-release && echo "$VERSION_CODENAME")
	# The packages' files without their installation scripts: systemd needs none of those to boot.
	mmdebstrap --quiet --variant=extract --include=systemd,dbus,util-linux \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		"$release" "$tmp/systemd.tar"
	mv "$tmp/systemd.tar" "$dir/systemd.tar"
fi
ls -l "$dir"
