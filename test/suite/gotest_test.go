package main

import (
	"strings"
	"testing"
)

func TestCounter(t *testing.T) {
	for name, c := range map[string]struct {
		events string
		want   count
		print  string
	}{
		"subtests count and their parent does not": {
			events: `{"Action":"pass","Package":"p","Test":"A/b"}{"Action":"pass","Package":"p","Test":"A/c/d"}{"Action":"pass","Package":"p","Test":"A/c"}{"Action":"pass","Package":"p","Test":"A"}{"Action":"pass","Package":"p"}`,
			want:   count{Passed: 2},
		},
		"a parent that fails by itself counts": {
			events: `{"Action":"pass","Package":"p","Test":"A/b"}{"Action":"fail","Package":"p","Test":"A"}{"Action":"fail","Package":"p"}`,
			want:   count{Passed: 1, Failed: 1},
		},
		"a failing subtest counts once": {
			events: `{"Action":"output","Package":"p","Test":"A/b","Output":"why\n"}{"Action":"fail","Package":"p","Test":"A/b"}{"Action":"fail","Package":"p","Test":"A"}{"Action":"fail","Package":"p"}`,
			want:   count{Failed: 1},
			print:  "why\n",
		},
		"a skip gives its reason": {
			events: `{"Action":"output","Package":"p","Test":"A","Output":"=== RUN   A\n"}{"Action":"output","Package":"p","Test":"A","Output":"    a_test.go:1: needs root\n"}{"Action":"skip","Package":"p","Test":"A"}{"Action":"pass","Package":"p"}`,
			want:   count{Skipped: 1},
			print:  "skipped: p A: a_test.go:1: needs root\n",
		},
		"a package that dies under a test is a failure": {
			events: `{"Action":"output","Package":"p","Test":"A","Output":"panic: no\n"}{"Action":"fail","Package":"p"}`,
			want:   count{Failed: 1},
			print:  "panic: no\n",
		},
		"a package that does not build is a failure": {
			events: `{"ImportPath":"p [p.test]","Action":"build-output","Output":"a.go:1: no\n"}{"Action":"fail","Package":"p"}`,
			want:   count{Failed: 1},
			print:  "a.go:1: no\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			counter := newCounter(&out)
			if err := counter.read(strings.NewReader(c.events)); err != nil {
				t.Fatal(err)
			}
			got := counter.count("")
			if got.Passed != c.want.Passed || got.Failed != c.want.Failed || got.Skipped != c.want.Skipped {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if !strings.Contains(out.String(), c.print) {
				t.Errorf("printed %q, want %q in it", &out, c.print)
			}
		})
	}
}

func TestElsewhere(t *testing.T) {
	here := count{Name: "unit", Skipped: 3, SkippedTests: []string{"TestA", "TestA", "TestB"}, PassedTests: []string{"TestC"}}
	again := count{Name: "race", PassedTests: []string{"TestB"}}
	there := count{Name: vmSuite, Skipped: 3, SkippedTests: []string{"TestC", "TestD", "TestE"}, PassedTests: []string{"TestA", "TestD"}}
	suites := []count{here, again, there}
	if got := elsewhere(here, suites); got != 2 {
		t.Errorf("%d of the skips are run in a machine, want the 2 of TestA", got)
	}
	if got := elsewhere(there, suites); got != 2 {
		t.Errorf("%d of the machines' skips are run elsewhere, want TestC here and TestD in another machine", got)
	}
	for key, want := range map[string]string{"p TestA": "TestA", "p TestA/sub": "TestA", "p TestVM/cgroup/TestA": "TestA"} {
		if got := topLevel(key); got != want {
			t.Errorf("top level of %q is %q, want %q", key, got, want)
		}
	}
}
