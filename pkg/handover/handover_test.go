package handover

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
)

func TestConversation(t *testing.T) {
	shim, runner := net.Pipe()
	want := Guest{Module: "/a.wasm", Args: []string{"a", "b\n"}, Env: []string{"A=b"}, Cwd: "/", Seccomp: [][]byte{{1, 2}}}
	heard := make(chan error, 1)
	var got Guest
	go func() {
		err := Receive(runner, &got)
		if err == nil {
			err = Send(runner, Ready{})
		}
		if err == nil {
			err = AwaitBegin(runner)
		}
		heard <- err
	}()
	if err := Send(shim, want); err != nil {
		t.Fatal(err)
	}
	var ready Ready
	if err := Receive(shim, &ready); err != nil {
		t.Fatal(err)
	}
	if err := Begin(shim); err != nil {
		t.Fatal(err)
	}
	if err := <-heard; err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) || ready.Refusal != nil {
		t.Fatalf("got %+v and %+v, want %+v", got, ready, want)
	}
}

func TestReceiveRefuses(t *testing.T) {
	tooLarge := binary.BigEndian.AppendUint32(nil, MaxMessage+1)
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"nothing":                   {nil, io.EOF},
		"half a head":               {[]byte{0, 0}, io.ErrUnexpectedEOF},
		"no body":                   {[]byte{0, 0, 0, 9}, io.ErrUnexpectedEOF},
		"half a body":               {[]byte{0, 0, 0, 9, '{'}, io.ErrUnexpectedEOF},
		"a length beyond the limit": {tooLarge, errTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			if err := Receive(bytes.NewReader(c.in), &Guest{}); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
	if err := Send(io.Discard, Guest{Module: strings.Repeat("a", MaxMessage)}); !errors.Is(err, errTooLarge) {
		t.Errorf("got %v, want %v", err, errTooLarge)
	}
	if err := AwaitBegin(strings.NewReader("x")); err == nil {
		t.Error("a byte that is not begin was taken for it")
	}
	if err := AwaitBegin(strings.NewReader("")); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want io.EOF", err)
	}
}

func FuzzReceive(f *testing.F) {
	var seed bytes.Buffer
	if err := Send(&seed, Guest{Module: "/a", Args: []string{"x"}, Refusal: &Refusal{Code: 126, Message: "m"}}); err != nil {
		f.Fatal(err)
	}
	f.Add(seed.Bytes())
	f.Add([]byte{0, 0, 0, 2, '{', '}'})
	f.Fuzz(func(t *testing.T, in []byte) {
		var g Guest
		if Receive(bytes.NewReader(in), &g) != nil {
			return
		}
		var out bytes.Buffer
		if err := Send(&out, g); err != nil {
			t.Fatal(err)
		}
		var again Guest
		if err := Receive(&out, &again); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(g, again) {
			t.Fatalf("%+v became %+v", g, again)
		}
	})
}
