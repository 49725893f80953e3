package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/redis/go-redis/v9"

	"wasmgo/pkg/wasi/keyvalue"
)

// A Config says where the server is.
type Config struct {
	// URL is redis://, rediss:// or unix://, with what package go-redis takes as its query: read_timeout, pool_size and so on.
	URL string
	// Dial makes connections, and may be nil for those of package net.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Trust is whom to trust where the URL wants TLS, and may be nil for whom the system trusts. It is asked once, if at all.
	Trust func() (*tls.Config, error)
}

// A Store is the buckets of a database. It is for any number of goroutines; [Open] makes it, and Close ends it.
type Store struct {
	config  Config
	options *redis.Options
	calls   sync.WaitGroup

	once   sync.Once
	client *redis.Client
	err    error // why there is none
}

// Open makes a store. An error is about the URL, which it does not quote: nothing is opened yet.
func Open(c Config) (*Store, error) {
	o, err := options(c.URL)
	if err != nil {
		return nil, err
	}
	return &Store{config: c, options: o}, nil
}

// connect makes the client, which connects when it is first asked.
func (s *Store) connect() (*redis.Client, error) {
	s.once.Do(func() {
		if s.options.TLSConfig != nil && s.config.Trust != nil {
			trusted, err := s.config.Trust()
			if s.err = err; err != nil {
				return
			}
			s.options.TLSConfig.RootCAs = trusted.RootCAs
		}
		if s.config.Dial != nil {
			s.options.Dialer = s.dial
		}
		s.client = redis.NewClient(s.options)
	})
	return s.client, s.err
}

// dial is the dialer of go-redis over that of the configuration.
func (s *Store) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.options.DialTimeout)
	defer cancel()
	conn, err := s.config.Dial(ctx, network, address)
	if err != nil || s.options.TLSConfig == nil {
		return conn, err
	}
	secure := tls.Client(conn, s.options.TLSConfig)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return secure, nil
}

var errClosed = errors.New("the store is closed")

// Close ends what runs, and returns when it has.
func (s *Store) Close() (err error) {
	s.once.Do(func() { s.err = errClosed })
	if s.client != nil {
		err = s.client.Close()
	}
	s.calls.Wait()
	return err
}

// Open implements [keyvalue.Store].
func (s *Store) Open(name string) (keyvalue.Bucket, error) { return &bucket{s, name + ":"}, nil }

// Remote implements [keyvalue.Store].
func (s *Store) Remote() bool { return true }

// call has f speak with the server, and returns at the latest when the context ends: f then goes on for as long as its own timeouts let it,
// and Close waits for that. So f must not keep what is the caller's.
func call[T any](ctx context.Context, s *Store, f func(ctx context.Context, c *redis.Client) (T, error)) (v T, err error) {
	c, err := s.connect()
	if err != nil {
		return v, s.explain(err)
	}
	type answer struct {
		v   T
		err error
	}
	answered := make(chan answer, 1)
	s.calls.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		v, err := f(ctx, c)
		answered <- answer{v, err}
	})
	select {
	case a := <-answered:
		return a.v, s.explain(a.err)
	case <-ctx.Done():
		return v, context.Cause(ctx)
	}
}

// explain says of an error who is at fault. What a server refuses to this client is access denied.
func (s *Store) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case redis.IsAuthError(err) || redis.IsPermissionError(err):
		return fmt.Errorf("%w by %s of the setting keyvalue: %w", keyvalue.ErrAccessDenied, s.options.Addr, err)
	}
	return fmt.Errorf("%s of the setting keyvalue: %w", s.options.Addr, err)
}
