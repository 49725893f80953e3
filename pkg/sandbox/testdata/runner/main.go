// Command runner stands in for the real runner in the tests of pkg/sandbox: it speaks the handover and then does what the
// guest's arguments say, one verb each, and prints what it finds on standard output.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
	"wasmgo/pkg/runner/nsinit"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "runner:", err)
		os.Exit(99)
	}
}

func run() error {
	if os.Getenv("WASMGO_RUNNER") == "nsinit" {
		return nsinit.Run()
	}
	if name := os.Getenv("STAND_ALONE"); name != "" { // as a hook: without the handover, output to a file
		out, err := os.Create(name)
		if err != nil {
			return err
		}
		os.Stdout = out
		doAll(os.Args[1:])
		return nil
	}
	socket := os.NewFile(handover.SocketFD, "handover")
	var g handover.Guest
	if err := handover.ReceiveGuest(handover.SocketFD, socket, &g); err != nil {
		return err
	}
	for _, a := range g.Args {
		switch a {
		case "die before ready":
			os.Exit(3)
		case "hang before ready":
			select {}
		}
	}
	_, err := os.Stat("/proc/self")
	if err == nil {
		return fmt.Errorf("there is a /proc")
	}
	if g.Cwd != "" {
		if err := os.Chdir(g.Cwd); err != nil {
			return err
		}
	}
	if err := handover.Send(socket, handover.Ready{Refusal: g.Refusal}); err != nil {
		return err
	}
	if err := handover.AwaitBegin(socket); err != nil {
		return err
	}
	socket.Close()
	if g.Refusal != nil {
		fmt.Fprintln(os.Stderr, g.Refusal.Message)
		os.Exit(g.Refusal.Code)
	}
	doAll(g.Args)
	return nil
}

func doAll(verbs []string) {
	for _, a := range verbs {
		verb, arg, _ := strings.Cut(a, " ")
		if err := do(verb, arg); err != nil {
			fmt.Printf("%s: %v\n", a, err)
		}
	}
}

func do(verb, arg string) error {
	switch verb {
	case "exit":
		code, err := strconv.Atoi(arg)
		if err != nil {
			return err
		}
		os.Exit(code)
	case "die":
		return unix.Kill(os.Getpid(), unix.SIGKILL)
	case "wait": // until SIGTERM
		c := make(chan os.Signal, 1)
		signal.Notify(c, syscall.SIGTERM)
		fmt.Println("waiting")
		<-c
		os.Exit(128 + int(syscall.SIGTERM))
	case "ids":
		groups, err := os.Getgroups()
		fmt.Println("pid", os.Getpid(), "uid", os.Getuid(), "gid", os.Getgid(), "groups", groups)
		return err
	case "hostname":
		var u unix.Utsname
		err := unix.Uname(&u)
		fmt.Println(unix.ByteSliceToString(u.Nodename[:]), unix.ByteSliceToString(u.Domainname[:]))
		return err
	case "cwd":
		d, err := os.Getwd()
		fmt.Println(d)
		return err
	case "ls":
		entries, err := os.ReadDir(arg)
		for _, e := range entries {
			fmt.Print(e.Name(), " ")
		}
		fmt.Println()
		return err
	case "cat":
		f, err := os.Open(arg)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(os.Stdout, io.LimitReader(f, 4096))
		return err
	case "write":
		name, text, _ := strings.Cut(arg, " ")
		return os.WriteFile(name, []byte(text), 0o666)
	case "stat":
		info, err := os.Lstat(arg)
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		fmt.Println(arg, info.Mode(), st.Uid, st.Gid, unix.Major(st.Rdev), unix.Minor(st.Rdev))
	case "readlink":
		to, err := filepath.EvalSymlinks(arg)
		fmt.Println(to)
		return err
	case "boottime":
		var ts unix.Timespec
		err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts)
		fmt.Println(ts.Sec)
		return err
	case "stdin":
		_, err := io.Copy(os.Stdout, os.Stdin)
		return err
	case "tty":
		size, err := unix.IoctlGetWinsize(0, unix.TIOCGWINSZ)
		if err != nil {
			return err
		}
		f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		fmt.Fprintln(f, "tty", size.Row, size.Col)
	default:
		return fmt.Errorf("no such verb")
	}
	return nil
}
