package cache

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"wasmgo/pkg/handover"
)

// A module's digest is needed at each start of a container, and SHA-256 of 2.6 MB takes 3 ms, half as long as everything else.
//
// The usual way out is an index from the file's identity (device, inode, size, times) to the digest. It is not safe here. The
// root file systems are overlays: their device number is given to the next mount once it is free, and their inode numbers
// and times are those of whatever file system lies below. Where that is an image format (EROFS) or a FUSE snapshotter, all
// of them, ctime too, come out of the image, which an attacker wrote; and an overlay does not tell what lies below it. Then
// one image could pass for another. On any file system a page that was mapped and dirtied before can be written again without a
// new ctime until it is written back.
//
// So the content is read, always, but by a faster function: GMAC (NIST SP 800-38D) under a secret key that only root can read,
// which takes a tenth of the time. Its value, the tag, is looked up in an index of symbolic links tag → digest. Two modules
// have the same tag with a probability of at most (blocks+1)/2^128 for whoever does not know the key and sees no tags:
// below 2^-100 for 1 GiB. That is no collision resistance in the sense of SHA-256, since the one who has the key can make
// collisions, and so the digest, not the tag, is what names compiled code.

// secretSize is that of an AES-128 key, in bytes.
const secretSize = 16

// chunk is how much is read and authenticated at a time: it stays in the processor's second-level cache.
const chunk = 128 << 10

// chunks are buffers of that size. A shim that serves many containers would otherwise have a garbage heap mostly of them.
var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// openSecret returns the secret kept in path. The first one to ask makes it.
func openSecret(path string) (secret [secretSize]byte, err error) {
	for range 2 {
		b, err := os.ReadFile(path)
		if err == nil && len(b) == secretSize {
			return [secretSize]byte(b), nil
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return secret, err
		}
		if err == nil {
			// Cut off by a crash. Tags made with it are lost with it, and nothing else.
			if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return secret, err
			}
		}
		if err := makeSecret(path); err != nil && !errors.Is(err, fs.ErrExist) {
			return secret, err
		}
	}
	return secret, fmt.Errorf("%s: does not stay", path)
}

// makeSecret makes a new secret in path, unless there is one, which is fs.ErrExist.
func makeSecret(path string) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".secret-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(f.Name())) }()
	var secret [secretSize]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return errors.Join(err, f.Close())
	}
	_, werr := f.Write(secret[:])
	if err := errors.Join(werr, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

// tagger computes the tag of a stream of chunks.
type tagger struct {
	aead cipher.AEAD
	tags []byte // of the chunks so far
}

func newTagger(secret [secretSize]byte) (*tagger, error) {
	block, err := aes.NewCipher(secret[:])
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &tagger{aead: aead}, nil
}

// The nonces of the two levels. One for all chunks is enough: what a tag has to keep secret is the key, and nobody sees tags.
const (
	nonceSum byte = iota
	nonceChunk
)

// add takes the next chunk. All but the last must be of the same size.
func (t *tagger) add(p []byte) { t.tags = t.mac(t.tags, nonceChunk, p) }

// sum is the tag of all chunks together: the MAC of their tags in order. Each of those covers its chunk's length.
func (t *tagger) sum() string {
	return base64.RawURLEncoding.EncodeToString(t.mac(nil, nonceSum, t.tags))
}

func (t *tagger) mac(dst []byte, nonce byte, p []byte) []byte {
	n := [12]byte{nonce}
	return t.aead.Seal(dst, n[:], nil, p)
}

// digestOf returns the digest of what m holds, and its size. If m is written meanwhile, it is the digest of something that m held
// in parts.
func (c *Cache) digestOf(m io.ReaderAt, name string) (d digest, size int64, err error) {
	tag, size, err := c.scan(m, name, nil)
	if err != nil {
		return d, size, err
	}
	if d, ok := c.lookup(tag); ok {
		return d, size, nil
	}
	// Both from one reading: of a file that changes, the tag of one content must not get the digest of another.
	h := sha256.New()
	tag, size, err = c.scan(m, name, h)
	if err != nil {
		return d, size, err
	}
	d = digest(h.Sum(nil))
	return d, size, c.remember(tag, d)
}

// scan reads m from its beginning and returns the tag of it and how much there was; h, unless nil, gets the same bytes.
func (c *Cache) scan(m io.ReaderAt, name string, h hash.Hash) (tag string, size int64, err error) {
	t, err := newTagger(c.secret)
	if err != nil {
		return "", 0, err
	}
	err = c.each(m, name, func(p []byte) error {
		size += int64(len(p))
		t.add(p)
		if h != nil {
			h.Write(p)
		}
		return nil
	})
	return t.sum(), size, err
}

// each calls f with the chunks of m, all but the last of full size. A module beyond the limit is a refusal.
func (c *Cache) each(m io.ReaderAt, name string, f func(p []byte) error) error {
	array := chunks.Get().(*[chunk]byte)
	defer chunks.Put(array)
	buf := array[:]
	for off := int64(0); ; {
		n, err := m.ReadAt(buf, off)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read module: %w", err)
		}
		off += int64(n)
		if off > c.maxModule {
			return &handover.Refusal{
				Code:    handover.CodeNotRunnable,
				Message: fmt.Sprintf("%s is too large: more than %d bytes, which is the most this runtime compiles", name, c.maxModule),
			}
		}
		if err := f(buf[:n]); err != nil {
			return err
		}
		if n < len(buf) {
			return nil
		}
	}
}

// lookup finds the digest of the content with that tag.
func (c *Cache) lookup(tag string) (d digest, ok bool) {
	var b [64]byte
	n, err := unix.Readlink(filepath.Join(c.contentDir(), tag), b[:])
	if err != nil || n != base64.RawURLEncoding.EncodedLen(len(d)) {
		return d, false
	}
	_, err = base64.RawURLEncoding.Decode(d[:], b[:n])
	return d, err == nil
}

// remember keeps the digest of the content with that tag. A symbolic link is there at once and whole, with no descriptor and no
// temporary name.
func (c *Cache) remember(tag string, d digest) error {
	path := filepath.Join(c.contentDir(), tag)
	err := os.Symlink(base64.RawURLEncoding.EncodeToString(d[:]), path)
	if errors.Is(err, fs.ErrExist) {
		if _, ok := c.lookup(tag); ok {
			return nil
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("index of modules: %w", err)
		}
		return nil // the next one will remember it
	}
	if err != nil {
		return fmt.Errorf("index of modules: %w", err)
	}
	keepNewest(c.contentDir(), maxLinks)
	return nil
}
