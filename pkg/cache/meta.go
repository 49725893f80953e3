package cache

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"wasmgo/pkg/handover"
)

// metaName is the file beside the code that tells about it.
const metaName = "meta"

// Bounds of that file: its size in bytes, what it may list, and how long the names of files are.
const (
	maxMeta     = 1 << 20
	maxFiles    = 4096
	maxFileName = 64
)

// meta is what the file of that name holds, as JSON. An entry is either files or a refusal.
type meta struct {
	Files   []fileMeta     // in the order they were made
	Refusal string         `json:",omitempty"` // why there is no code for this module
	Module  string         // the module's SHA-256
	Name    string         // of the module where it was first compiled; for people
	Time    time.Time      // when that was
	Input   int64          // size of the module, bytes
	CPU     time.Duration  // what compiling took, on all processors together
	Needs   handover.Needs `json:",omitempty"` // of a component
}

// fileMeta is one file of an entry.
type fileMeta struct {
	Name   string
	Size   int64  // bytes
	Edges  string // see edges
	SHA256 string
}

func readMeta(dir *os.File) (m meta, err error) {
	f, err := openAt(dir, metaName)
	if err != nil {
		return m, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxMeta+1))
	if err != nil {
		return m, err
	}
	return parseMeta(b)
}

// parseMeta reads a meta file. What is not as writeMeta writes it is an error: nothing is done with half of it.
func parseMeta(b []byte) (m meta, err error) {
	if len(b) > maxMeta {
		return m, fmt.Errorf("meta of more than %d bytes", maxMeta)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, err
	}
	if (len(m.Files) == 0) == (m.Refusal == "") || len(m.Files) > maxFiles || m.Input < 0 || m.CPU < 0 || !isDigest(m.Module) || !m.Needs.Valid() {
		return m, errors.New("meta that says nothing of use")
	}
	seen := map[string]bool{metaName: true, checkedName: true}
	for _, f := range m.Files {
		if !isPlain(f.Name) || seen[f.Name] || f.Size < 0 || !isDigest(f.Edges) || !isDigest(f.SHA256) {
			return m, fmt.Errorf("meta with a wrong file %.80q", f.Name)
		}
		seen[f.Name] = true
	}
	return m, nil
}

// isDigest reports whether s is a SHA-256 as hexadecimal text.
func isDigest(s string) bool {
	if len(s) != 64 {
		return false
	}
	_, err := hex.DecodeString(s)
	return err == nil
}

// isPlain reports whether s is the name of a file of ours, which leads nowhere else.
func isPlain(s string) bool {
	return s != "" && len(s) <= maxFileName && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// writeMeta writes about into the directory dir, to stable storage.
func writeMeta(dir string, about meta) error {
	b, err := json.Marshal(about)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, metaName), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	_, werr := f.Write(append(b, '\n'))
	return errors.Join(werr, f.Sync(), f.Close())
}
