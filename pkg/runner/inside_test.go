package runner

// inside are functions that need a process of their own.
var inside = map[string]func() int{}
