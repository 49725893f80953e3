package beneath

import "testing"

// BenchmarkCalls are what single calls cost, the system's part included.
func BenchmarkCalls(b *testing.B) {
	dir := b.TempDir()
	tree.make(b, dir)
	for name, walk := range map[string]bool{"openat2": false, "walk": true} {
		d := preopen(b, dir+"/top", Options{Walk: walk})
		f := opened(b, d, "file", 0, Read|Write)
		in := must(f.ReadViaStream(0))(b).(*fileInput)
		defer closed(b, in)
		out := must(f.WriteViaStream(0))(b).(*fileOutput)
		defer closed(b, out)
		small := make([]byte, 4)
		for call, do := range map[string]func() error{
			"stat of a file": func() error { _, err := d.StatAt(true, "file"); return err },
			"stat deeper":    func() error { _, err := d.StatAt(true, "dir/sub/deep"); return err },
			"open and close": func() error {
				f, err := d.OpenAt(true, "dir/sub/deep", 0, Read)
				if err != nil {
					return err
				}
				return f.Close()
			},
			"hash":   func() error { _, err := f.MetadataHash(); return err },
			"read":   func() error { in.at = 0; _, err := in.Read(small); return err },
			"write":  func() error { out.at = 0; return out.Write(small) },
			"pread":  func() error { _, err := f.Read(small, 0); return err },
			"pwrite": func() error { _, err := f.Write(small, 0); return err },
		} {
			b.Run(name+"/"+call, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := do(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
