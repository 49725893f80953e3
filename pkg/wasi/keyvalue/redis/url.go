package redis

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Bounds of what the URL does not say.
const (
	dialTimeout  = 5 * time.Second
	replyTimeout = 5 * time.Second
	callTimeout  = 15 * time.Second // of a call with all that belongs to it
	connections  = 32               // at a time
)

var errURL = errors.New("want redis://[USER:PASSWORD@]HOST[:PORT][/DATABASE], rediss:// for TLS, or unix://[USER:PASSWORD@]/PATH?db=DATABASE")

// options are those of a URL. No error has the URL in it, which may have a password.
func options(text string) (*redis.Options, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, errURL // the reason quotes what may be a part of the password
	}
	switch {
	case u.Scheme != "redis" && u.Scheme != "rediss" && u.Scheme != "unix":
		return nil, fmt.Errorf("%w: the scheme is %q", errURL, u.Scheme)
	case u.Scheme == "unix" && (u.Path == "" || u.Host != ""), u.Scheme != "unix" && u.Hostname() == "":
		return nil, fmt.Errorf("%w: it names no server", errURL)
	case u.Fragment != "":
		return nil, fmt.Errorf("%w: what follows # has no meaning; in a password it is %%23", errURL)
	}
	o, err := redis.ParseURL(text)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errURL, err)
	}
	either(&o.DialTimeout, dialTimeout)
	either(&o.ReadTimeout, replyTimeout)
	either(&o.MaxRetries, -1)
	either(&o.PoolSize, connections)
	either(&o.Protocol, 2)
	o.ContextTimeoutEnabled = true
	o.DialerRetries = 1
	o.PipelinePoolSize = -1
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return o, nil
}

// either is what the URL says or, where it says nothing, the default.
func either[T comparable](value *T, otherwise T) {
	var none T
	if *value == none {
		*value = otherwise
	}
}
