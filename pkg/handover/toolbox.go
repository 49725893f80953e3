package handover

// Toolbox is what the toolbox of an exec is told of the container.
type Toolbox struct {
	// Processes are those that were started for the container: its init, and the execs.
	Processes []Process
}

// Process is one of the container's.
type Process struct {
	PID  int // in the container's pid namespace
	Args []string
}

// Tools are the names under which the toolbox can be called. A test of package toolbox compares them with what there is.
var Tools = []string{
	"[", "basename", "cat", "cp", "date", "df", "dirname", "du", "echo", "env", "false", "find", "grep", "head", "hostname", "id", "kill",
	"ln", "ls", "mkdir", "mv", "nc", "nslookup", "printenv", "printf", "ps", "pwd", "readlink", "rm", "rmdir", "seq", "sh", "sleep", "sort",
	"stat", "tail", "tar", "tee", "test", "timeout", "touch", "true", "uname", "uniq", "wc", "wget", "which", "xargs",
}
