package doctor

import (
	"context"
	"slices"
	"strings"
)

// What the host is for. What it is for has to work; the rest is looked at where it is there.
const (
	ForContainerd = "containerd"
	ForDocker     = "docker"
	ForKubernetes = "kubernetes"
)

// Uses are all that Config.For may have.
var Uses = []string{ForContainerd, ForDocker, ForKubernetes}

// Config says what to look at.
type Config struct {
	// Containerd and Docker are the paths of sockets.
	Containerd, Docker string
	// For is what the host is for, any of Uses.
	For []string
	// Shim is the installed file that is running, "" if it is not known.
	Shim string
}

func (c Config) wants(use string) bool { return slices.Contains(c.For, use) }

// Grade is how good a finding is.
type Grade string

// The grades.
const (
	OK      Grade = "ok"
	Skipped Grade = "none" // it is not there, and need not be
	Warning Grade = "warn" // it works, and something does not
	Failure Grade = "fail" // containers will not run
)

// Finding is what one check has found.
type Finding struct {
	// Part is what was looked at: host, shim, containerd, cri, docker.
	Part string `json:"part"`
	// Check is its name within that.
	Check string `json:"check"`
	Grade Grade  `json:"grade"`
	// Found is what is so, and what is wrong with it, in a sentence.
	Found string `json:"found"`
	// Fix is what to do, if there is something: commands, or lines of the file File.
	Fix string `json:"fix,omitempty"`
	// File is the file that the lines of Fix belong in; "" if Fix is commands.
	File string `json:"file,omitempty"`
	// Then is the command that makes the change hold, if any.
	Then string `json:"then,omitempty"`
}

// Report is everything found.
type Report struct {
	Findings []Finding `json:"findings"`
	Failed   int       `json:"failed"`
	Warned   int       `json:"warned"`
}

// doctor is one run.
type doctor struct {
	Config
	part   string
	report Report
}

// Examine runs all checks.
func Examine(ctx context.Context, c Config) Report {
	d := &doctor{Config: c}
	d.host()
	address := strings.TrimPrefix(c.Containerd, "unix://")
	daemon := d.containerd(ctx, address)
	d.shim(daemon)
	d.cri(ctx, daemon)
	if other := d.docker(ctx, address); other != "" {
		d.part = "docker's containerd"
		d.daemon(ctx, other)
	}
	return d.report
}

// found notes a finding.
func (d *doctor) found(f Finding) {
	f.Part = d.part
	switch f.Grade {
	case Failure:
		d.report.Failed++
	case Warning:
		d.report.Warned++
	}
	d.report.Findings = append(d.report.Findings, f)
}

func (d *doctor) ok(check, found string) { d.found(Finding{Check: check, Grade: OK, Found: found}) }

func (d *doctor) skip(check, found string) {
	d.found(Finding{Check: check, Grade: Skipped, Found: found})
}

func (d *doctor) warn(check, found, fix string) {
	d.found(Finding{Check: check, Grade: Warning, Found: found, Fix: fix})
}

func (d *doctor) fail(check, found, fix string) {
	d.found(Finding{Check: check, Grade: Failure, Found: found, Fix: fix})
}
