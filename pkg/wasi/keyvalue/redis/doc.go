// Package redis is buckets on a Redis server, or one that speaks its protocol.
//
//	bucket counts, key hits  ─▶  the string "counts:hits" of the database that the URL names
//
// A name of a bucket has no colon, so what is before the first one is the bucket, and other programs can read and write the same values.
// Only commands that Redis has always had are used, and no scripts.
//
// A connection is made when a guest first needs one, from this process: in the network, and with the certificates, of the container.
// Commands are not sent a second time when their answer is lost, for an increment may have happened.
package redis
