package filesystem

import (
	"wasmgo/pkg/component/wit"
	"wasmgo/pkg/wasi/clocks"
	"wasmgo/pkg/wasi/filesystem/beneath"
	wasiio "wasmgo/pkg/wasi/io"
)

// The types of the interface, in the order of the WIT. Those that have no comment are what they are named in package beneath.
var (
	filesizeType = wit.U64 // type filesize = u64

	descriptorTypeType = wit.Enum[beneath.Kind]("unknown", "block-device", "character-device", "directory", "fifo", "symbolic-link",
		"regular-file", "socket")

	descriptorFlagsType = wit.Flags[beneath.Flags]("read", "write", "file-integrity-sync", "data-integrity-sync",
		"requested-write-sync", "mutate-directory")

	pathFlagsType = wit.Flags[pathFlags]("symlink-follow")

	openFlagsType = wit.Flags[beneath.OpenFlags]("create", "directory", "exclusive", "truncate")

	linkCountType = wit.U64 // type link-count = u64

	// record descriptor-stat
	statType = wit.Record(
		wit.Field("type", descriptorTypeType, func(s *stat) *beneath.Kind { return &s.kind }),
		wit.Field("link-count", linkCountType, func(s *stat) *uint64 { return &s.links }),
		wit.Field("size", filesizeType, func(s *stat) *uint64 { return &s.size }),
		wit.Field("data-access-timestamp", wit.Option(clocks.DatetimeType), func(s *stat) **clocks.Datetime { return &s.accessed }),
		wit.Field("data-modification-timestamp", wit.Option(clocks.DatetimeType), func(s *stat) **clocks.Datetime { return &s.modified }),
		wit.Field("status-change-timestamp", wit.Option(clocks.DatetimeType), func(s *stat) **clocks.Datetime { return &s.changed }))

	// variant new-timestamp { no-change, now, timestamp(datetime) }
	newTimestampType = wit.Variant(
		wit.Case("no-change", wit.None, func(struct{}) beneath.NewTime { return beneath.NewTime{} }, isChange(beneath.KeepTime)),
		wit.Case("now", wit.None, func(struct{}) beneath.NewTime { return beneath.NewTime{Change: beneath.SetNow} }, isChange(beneath.SetNow)),
		wit.Case("timestamp", clocks.DatetimeType,
			func(d clocks.Datetime) beneath.NewTime {
				return beneath.NewTime{Change: beneath.SetTime, Seconds: d.Seconds, Nanoseconds: d.Nanoseconds}
			},
			func(t beneath.NewTime) (clocks.Datetime, bool) {
				return clocks.Datetime{Seconds: t.Seconds, Nanoseconds: t.Nanoseconds}, t.Change == beneath.SetTime
			}))

	// record directory-entry
	entryType = wit.Record(
		wit.Field("type", descriptorTypeType, func(e *beneath.Entry) *beneath.Kind { return &e.Kind }),
		wit.Field("name", wit.String, func(e *beneath.Entry) *string { return &e.Name }))

	adviceType = wit.Enum[beneath.Advice]("normal", "sequential", "random", "will-need", "dont-need", "no-reuse")

	// record metadata-hash-value
	hashType = wit.Record(
		wit.Field("lower", wit.U64, func(h *beneath.Hash) *uint64 { return &h.Lower }),
		wit.Field("upper", wit.U64, func(h *beneath.Hash) *uint64 { return &h.Upper }))
)

// pathFlags are path-flags.
type pathFlags uint8

// follow is symlink-follow.
func (f pathFlags) follow() bool { return f&1 != 0 }

func isChange(c beneath.TimeChange) func(beneath.NewTime) (struct{}, bool) {
	return func(t beneath.NewTime) (struct{}, bool) { return struct{}{}, t.Change == c }
}

// A stat is a descriptor-stat.
type stat struct {
	kind                        beneath.Kind
	links, size                 uint64
	accessed, modified, changed *clocks.Datetime
}

func statOf(s beneath.Stat, err error) (stat, error) {
	times := [3]clocks.Datetime{clocks.DatetimeOf(s.Accessed), clocks.DatetimeOf(s.Modified), clocks.DatetimeOf(s.Changed)}
	return stat{s.Kind, s.Links, s.Size, &times[0], &times[1], &times[2]}, err
}

// types is the interface wasi:filesystem/types.
func (h *Host) types() *wit.Interface {
	items := []wit.Item{
		h.io.Inputs, h.io.Outputs, h.io.Errors, // use wasi:io/streams.{input-stream, output-stream, error}
		wit.Named("datetime", clocks.DatetimeType), // use wasi:clocks/wall-clock.{datetime}

		wit.Named("filesize", filesizeType),
		wit.Named("descriptor-type", descriptorTypeType),
		wit.Named("descriptor-flags", descriptorFlagsType),
		wit.Named("path-flags", pathFlagsType),
		wit.Named("open-flags", openFlagsType),
		wit.Named("link-count", linkCountType),
		wit.Named("descriptor-stat", statType),
		wit.Named("new-timestamp", newTimestampType),
		wit.Named("directory-entry", entryType),
		wit.Named("error-code", errorCodeType),
		wit.Named("advice", adviceType),
		wit.Named("metadata-hash-value", hashType),
	}
	items = append(items, h.descriptor()...)
	items = append(items, h.directoryEntryStream()...)
	items = append(items,
		// filesystem-error-code: func(err: borrow<error>) -> option<error-code>
		wit.Func1("filesystem-error-code", wit.Param("err", h.io.Errors.Borrow()), wit.Option(errorCodeType),
			func(_ *wit.Call, err error) (*ErrorCode, error) { return errorCode(err), nil }))
	return wit.NewInterface("wasi:filesystem/types@"+wasiio.Version, items...)
}
