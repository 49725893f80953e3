package otlp

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// headSize is the head of a message in gRPC: whether it is compressed, and its length.
const headSize = 5

// frame is a message as gRPC has it on a stream.
func frame(m []byte, compressed bool) []byte {
	b := make([]byte, headSize, headSize+len(m))
	if compressed {
		b[0] = 1
	}
	binary.BigEndian.PutUint32(b[1:], uint32(len(m)))
	return append(b, m...)
}

// grpcHeader completes the header of a call.
func grpcHeader(ctx context.Context, h http.Header, compressed bool) {
	h.Set("Content-Type", "application/grpc")
	h.Set("Te", "trailers")
	if compressed {
		h.Set("Grpc-Encoding", "gzip")
	}
	if end, ok := ctx.Deadline(); ok {
		h.Set("Grpc-Timeout", strconv.FormatInt(max(time.Until(end).Milliseconds(), 1), 10)+"m")
	}
}

// temporaryCodes are the codes of gRPC after which OTLP has a client try again.
var temporaryCodes = map[int]bool{
	1: true, 4: true, 8: true, 10: true, 11: true, 14: true, 15: true,
	// CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS
}

// grpcOutcome is what an answer over gRPC means: the code is in the trailers, or in the header if there is nothing else.
func grpcOutcome(res *http.Response, answer []byte) error {
	if res.StatusCode != http.StatusOK {
		return outcome(res, nil)
	}
	said := res.Trailer
	if said.Get("Grpc-Status") == "" {
		said = res.Header
	}
	code, err := strconv.Atoi(said.Get("Grpc-Status"))
	if err != nil {
		return fmt.Errorf("the collector does not speak gRPC: content type %q", res.Header.Get("Content-Type"))
	}
	if code == 0 {
		if len(answer) < headSize || answer[0] != 0 {
			return nil
		}
		return rejected(answer[headSize:])
	}
	reason, _ := url.PathUnescape(said.Get("Grpc-Message"))
	err = fmt.Errorf("the collector answers with code %d of gRPC: %.200s", code, reason)
	if temporaryCodes[code] {
		return temporary{error: err}
	}
	return err
}

// field is the content of the first field of a message that has that number and a length, or nil. What is no message has none.
func field(m []byte, number uint64) []byte {
	for len(m) > 0 {
		tag, n := binary.Uvarint(m)
		if n <= 0 {
			return nil
		}
		m = m[n:]
		size := uint64(0)
		switch tag & 7 {
		case varint:
			_, n := binary.Uvarint(m)
			size = uint64(max(n, 0))
			if n <= 0 {
				return nil
			}
		case fixed64:
			size = 8
		case fixed32:
			size = 4
		case delimited:
			length, n := binary.Uvarint(m)
			if n <= 0 || length > uint64(len(m)-n) {
				return nil
			}
			if tag>>3 == number {
				return m[n : n+int(length)]
			}
			size = uint64(n) + length
		default:
			return nil
		}
		if size > uint64(len(m)) {
			return nil
		}
		m = m[size:]
	}
	return nil
}
