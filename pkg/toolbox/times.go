package toolbox

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// isCrossDevice reports whether something could not be renamed because the new name is on another file system.
func isCrossDevice(err error) bool { return errors.Is(err, syscall.EXDEV) }

// timeForms are how times can be given.
var timeForms = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", time.UnixDate, time.RFC1123Z, time.RFC1123,
}

// parseTime reads a time as -d takes it. Without a zone it is that of the container.
func parseTime(text string) (time.Time, error) {
	if text == "now" {
		return time.Now(), nil
	}
	if s, ok := strings.CutPrefix(text, "@"); ok {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return time.Unix(n, 0), nil
		}
	}
	for _, form := range timeForms {
		if t, err := time.ParseInLocation(form, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("no time: %q", text)
}
