package engine

import (
	"errors"
	"strings"
)

// tidy takes the blank line off the end of Wasmtime's messages, which have several lines.
func tidy(err error) error { return errors.New(strings.TrimSpace(err.Error())) }
