//! A verb per thing a test asks, with Zig's own library: hello, args, upper. A module of WASI 0.1; rebuild.sh puts the adapter around it.
const std = @import("std");

pub fn main(init: std.process.Init) !void {
    var out_buffer: [4096]u8 = undefined;
    var writer = std.Io.File.stdout().writerStreaming(init.io, &out_buffer);
    const out = &writer.interface;

    var args = try init.minimal.args.iterateAllocator(init.gpa);
    defer args.deinit();
    const program = args.next().?;
    const verb = args.next() orelse "hello";
    if (std.mem.eql(u8, verb, "hello")) {
        try out.print("hello from Zig\n", .{});
    } else if (std.mem.eql(u8, verb, "args")) {
        try out.print("{s}\n{s}\n", .{ program, verb });
        while (args.next()) |arg| try out.print("{s}\n", .{arg});
    } else if (std.mem.eql(u8, verb, "upper")) {
        var in_buffer: [4096]u8 = undefined;
        var in = std.Io.File.stdin().readerStreaming(init.io, &in_buffer);
        while (in.interface.takeByte()) |c| {
            try out.writeByte(std.ascii.toUpper(c));
        } else |err| if (err != error.EndOfStream) return err;
    } else {
        return error.VerbUnknown;
    }
    try out.flush();
}
