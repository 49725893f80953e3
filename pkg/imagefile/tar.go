package imagefile

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
)

// writeT writes the parts as files of one tar layer, which like all layers here is the same for the same files.
func (d *Draft) writeT(ctx context.Context, s *Store) (config v1.Descriptor, layers []v1.Descriptor, err error) {
	f, err := os.CreateTemp("", "wasmgo-layer-")
	if err != nil {
		return config, nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	packed, unpacked := digest.Canonical.Digester(), digest.Canonical.Digester()
	z := gzip.NewWriter(io.MultiWriter(f, packed.Hash()))
	out := tar.NewWriter(io.MultiWriter(z, unpacked.Hash()))
	made := map[string]bool{".": true}
	for _, p := range d.Parts {
		if err := s.addFile(ctx, out, p, made); err != nil {
			return config, nil, fmt.Errorf("%s: %w", p.Name, err)
		}
	}
	if err := errors.Join(out.Close(), z.Close()); err != nil {
		return config, nil, err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return config, nil, err
	}
	layer := v1.Descriptor{MediaType: v1.MediaTypeImageLayerGzip, Digest: packed.Digest(), Size: size}
	if err := s.write(ctx, io.NewSectionReader(f, 0, size), layer, nil); err != nil {
		return config, nil, err
	}
	config, err = s.writeJSON(ctx, v1.MediaTypeImageConfig, d.config([]digest.Digest{unpacked.Digest()}))
	return config, []v1.Descriptor{layer}, err
}

// addFile adds a part, and the directories above it that are not there yet.
func (s *Store) addFile(ctx context.Context, out *tar.Writer, p DraftPart, made map[string]bool) error {
	if p.Name == "" {
		return errors.New("a layer without a title cannot be a file: it has no name")
	}
	if err := addParents(out, path.Dir(p.Name), made); err != nil {
		return err
	}
	r, err := s.ReaderAt(s.context(ctx), p.Descriptor)
	if err != nil {
		return err
	}
	defer r.Close()
	mode := int64(0o644)
	if p.About != nil {
		mode = 0o755
	}
	if err := out.WriteHeader(&tar.Header{Name: p.Name, Mode: mode, Size: p.Size, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err = io.Copy(out, content.NewReader(r))
	return err
}

func addParents(out *tar.Writer, dir string, made map[string]bool) error {
	if made[dir] {
		return nil
	}
	if err := addParents(out, path.Dir(dir), made); err != nil {
		return err
	}
	made[dir] = true
	return out.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, Format: tar.FormatPAX})
}
