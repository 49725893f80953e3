package beneath

import "math/bits"

// siphash is SipHash-2-4 with 128 bits of result (Aumasson, Bernstein), of a message in whole words. It is here because a cryptographic
// hash of the standard library costs every runner a tenth of a millisecond at its start, whether it hashes anything or not.
func siphash(key [2]uint64, message []uint64) (lower, upper uint64) {
	s := sip{key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d ^ 0xee, key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573}
	for _, m := range message {
		s.word(m)
	}
	s.word(uint64(len(message)) * 8 << 56) // what would follow the last whole word: nothing, and the length
	s[2] ^= 0xee
	lower = s.finish()
	s[1] ^= 0xdd
	return lower, s.finish()
}

type sip [4]uint64

func (s *sip) word(m uint64) {
	s[3] ^= m
	s.round()
	s.round()
	s[0] ^= m
}

func (s *sip) finish() uint64 {
	for range 4 {
		s.round()
	}
	return s[0] ^ s[1] ^ s[2] ^ s[3]
}

func (s *sip) round() {
	s[0] += s[1]
	s[1] = bits.RotateLeft64(s[1], 13) ^ s[0]
	s[0] = bits.RotateLeft64(s[0], 32)
	s[2] += s[3]
	s[3] = bits.RotateLeft64(s[3], 16) ^ s[2]
	s[0] += s[3]
	s[3] = bits.RotateLeft64(s[3], 21) ^ s[0]
	s[2] += s[1]
	s[1] = bits.RotateLeft64(s[1], 17) ^ s[2]
	s[2] = bits.RotateLeft64(s[2], 32)
}

// hashKey says "wasmgo metadata-". It is no secret, see [hashOf].
var hashKey = [2]uint64{0x6d206f676d736177, 0x2d61746164617465}
