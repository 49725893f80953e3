package config

import (
	"slices"
	"testing"
)

func TestGet(t *testing.T) {
	v := Values{
		Set: map[string]string{"set": "by the operator", "both": "by the operator", "empty": ""},
		Env: []string{"both=by the image", "PLAIN=one", "DATABASE_URL=db://", "plain=two", "EQUALS=a=b", "NOTHING", "EMPTY=full", "=odd"},
	}
	for name, c := range map[string]struct {
		key, want string
		ok        bool
	}{
		"what the operator sets":                    {"set", "by the operator", true},
		"that goes before a variable":               {"both", "by the operator", true},
		"also if it is empty":                       {"empty", "", true},
		"a variable":                                {"PLAIN", "one", true},
		"its own name goes before that in capitals": {"plain", "two", true},
		"a key that is no variable's name":          {"database-url", "db://", true},
		"a key with dots":                           {"database.url", "db://", true},
		"a value with an equals sign":               {"equals", "a=b", true},
		"a variable without a value":                {"NOTHING", "", false},
		"a key that there is not":                   {"database", "", false},
		"a key with an equals sign":                 {"EQUALS=a", "b", false},
		"no key":                                    {"", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got, ok := v.Get(c.key); ok != c.ok || c.ok && got != c.want {
				t.Errorf("got %q, %v", got, ok)
			}
		})
	}
	want := []Entry{
		{"both", "by the operator"},
		{"empty", ""},
		{"set", "by the operator"},
		{"PLAIN", "one"},
		{"DATABASE_URL", "db://"},
		{"plain", "two"},
		{"EQUALS", "a=b"},
		{"EMPTY", "full"},
	}
	if got := v.All(); !slices.Equal(got, want) {
		t.Errorf("all are %q, want %q", got, want)
	}
}
