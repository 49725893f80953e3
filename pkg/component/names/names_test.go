package names

import "testing"

func TestParse(t *testing.T) {
	tests := []struct {
		in   string
		want Extern
		bad  bool
	}{
		{in: "a", want: Extern{Label: "a"}},
		{in: "get-JSON", want: Extern{Label: "get-JSON"}},
		{in: "a11-B11-123-ABC-abc", want: Extern{Label: "a11-B11-123-ABC-abc"}},
		{in: "1", bad: true},
		{in: "1-a", bad: true},
		{in: "", bad: true},
		{in: "a-", bad: true},
		{in: "-a", bad: true},
		{in: "aBc", bad: true},
		{in: "a_b", bad: true},
		{in: "a.b", bad: true},
		{in: "[constructor]a", want: Extern{Kind: Constructor, Label: "a"}},
		{in: "[method]a.b", want: Extern{Kind: Method, Label: "a", Member: "b"}},
		{in: "[static]a.B", want: Extern{Kind: Static, Label: "a", Member: "B"}},
		{in: "[method]a", bad: true},
		{in: "[method]a.b.c", bad: true},
		{in: "[async]a", bad: true},
		{in: "wasi:http/types", want: Extern{Kind: Interface, Namespace: "wasi", Package: "http", Label: "types"}},
		{in: "wasi:http/types@0.2.6", want: Extern{Kind: Interface, Namespace: "wasi", Package: "http", Label: "types", Version: "0.2.6"}},
		{in: "wasi:http/types@0.2", want: Extern{Kind: Interface, Namespace: "wasi", Package: "http", Label: "types", Version: "0.2"}},
		{in: "ns-1-a:b-1-c/D-2", want: Extern{Kind: Interface, Namespace: "ns-1-a", Package: "b-1-c", Label: "D-2"}},
		{in: "A:b/c", bad: true},
		{in: "a:B/c", bad: true},
		{in: "a:b", bad: true},
		{in: "a:b:c/d", bad: true},
		{in: "a:b/c/d", bad: true},
		{in: "a:b/c@", bad: true},
		{in: "a:b/c@1.", bad: true},
		{in: "a:b/c@0", bad: true},
		{in: "a:b/c@0.0", bad: true},
		{in: "a:b/c@1.2.3-", bad: true},
		{in: "a:b/c@01.2.3", bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			got, err := Parse(tt.in)
			if (err != nil) != tt.bad {
				t.Fatalf("error %v, want one: %v", err, tt.bad)
			}
			if err == nil && got != tt.want {
				t.Errorf("parsed as %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestStrongUniqueness has the names of the specification's own example.
func TestStrongUniqueness(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range []string{"foo", "foo-bar", "[constructor]foo", "[method]foo.bar", "[static]foo.baz", "foo:bar/baz"} {
		n, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if seen[n.Key()] {
			t.Errorf("%s is not unique", s)
		}
		seen[n.Key()] = true
	}
	for _, s := range []string{
		"FOO", "foo-BAR", "[constructor]FOO", "[method]foo.BAR", "[static]foo.bar", "[method]foo.baz",
		"[method]foo.foo", "[static]foo-BAR.FOO-bar", "foo:bar/BAZ",
	} {
		n, err := Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if !seen[n.Key()] {
			t.Errorf("%s is unique, key %s", s, n.Key())
		}
	}
}

func TestVersions(t *testing.T) {
	for _, tt := range []struct{ in, canonical, suffix string }{
		{"1.2.3", "1", ".2.3"},
		{"0.2.6-rc.1", "0.2", ".6-rc.1"},
		{"0.0.1-alpha", "0.0.1", "-alpha"},
		{"0.0.0+b.01", "0.0.0", "+b.01"},
	} {
		v, err := ParseVersion(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		canonical, suffix := v.Canonical()
		if canonical != tt.canonical || suffix != tt.suffix {
			t.Errorf("%s splits into %s and %s, want %s and %s", tt.in, canonical, suffix, tt.canonical, tt.suffix)
		}
		if err := CheckSuffix(Extern{Version: canonical}, suffix); err != nil {
			t.Error(err)
		}
	}
	if err := CheckSuffix(Extern{Version: "0.2.6"}, "-rc"); err == nil {
		t.Error("a suffix after a full version was accepted")
	}
}

func TestCompatible(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"wasi:io/poll@0.2.0", "wasi:io/poll@0.2.6", true},
		{"wasi:io/poll@0.2", "wasi:io/poll@0.2.6", true},
		{"wasi:io/poll@0.2.0", "wasi:io/poll@0.3.0", false},
		{"wasi:io/poll@1.0.0", "wasi:io/poll@1.9.0", true},
		{"wasi:io/poll@0.0.1", "wasi:io/poll@0.0.2", false},
		{"wasi:io/poll@0.2.0-rc.1", "wasi:io/poll@0.2.0", false},
		{"wasi:io/poll@0.2.0", "wasi:io/poll", false},
		{"wasi:io/poll@0.2.0", "wasi:io/streams@0.2.0", false},
		{"run", "run", true},
		{"run", "stop", false},
	} {
		a, err := Parse(tt.a)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Parse(tt.b)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Canonical() == b.Canonical(); got != tt.want {
			t.Errorf("%s and %s compatible: want %v", tt.a, tt.b, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("wasi:http/types@0.2.6-rc.1+x")
	f.Add("[method]a.b")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err == nil && (n.Key() == "" || n.Canonical() == "") {
			t.Fatalf("%q parsed as %+v", s, n)
		}
	})
}
