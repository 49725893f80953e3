// Sockets from JavaScript, a verb each. Made by componentize-qjs, which has no TextEncoder, and numbers for u64:
//   serve PORT    echoes one TCP connection in capitals; prints "listening on PORT" first
//   lookup NAME   prints each address of a name
import { getArguments } from 'wasi:cli/environment@0.2.12';
import { getStdout } from 'wasi:cli/stdout@0.2.12';
import { instanceNetwork } from 'wasi:sockets/instance-network@0.2.12';
import { resolveAddresses } from 'wasi:sockets/ip-name-lookup@0.2.12';
import { createTcpSocket } from 'wasi:sockets/tcp-create-socket@0.2.12';

const print = (line) => getStdout().blockingWriteAndFlush(Uint8Array.from(`${line}\n`, (c) => c.charCodeAt(0)));

// The children of a resource have to go before it does, and a garbage collector knows nothing of that.
const drop = (resource) => resource[Symbol.dispose]();

// Calls f, which may have to wait for what subscribable is.
function wait(subscribable, f) {
  for (;;) {
    try {
      return f();
    } catch (err) {
      if ((err.payload ?? err) !== 'would-block') throw err;
      const pollable = subscribable.subscribe();
      pollable.block();
      drop(pollable);
    }
  }
}

function serve(port) {
  const network = instanceNetwork();
  const socket = createTcpSocket('ipv4');
  socket.startBind(network, { tag: 'ipv4', val: { port: Number(port), address: [0, 0, 0, 0] } });
  wait(socket, () => socket.finishBind());
  socket.startListen();
  wait(socket, () => socket.finishListen());
  print(`listening on ${socket.localAddress().val.port}`);
  const [connection, input, output] = wait(socket, () => socket.accept());
  try {
    for (;;) output.blockingWriteAndFlush(input.blockingRead(4096).map((b) => (b >= 0x61 && b <= 0x7a ? b - 0x20 : b)));
  } catch (err) {
    if ((err.payload ?? err).tag !== 'closed') throw err;
  }
  connection.shutdown('both');
  [input, output, connection, socket].forEach(drop);
}

function lookup(name) {
  const stream = resolveAddresses(instanceNetwork(), name);
  for (;;) {
    const address = wait(stream, () => stream.resolveNextAddress());
    if (!address) return;
    print(address.val.join(address.tag === 'ipv4' ? '.' : ':'));
  }
}

export const run = {
  run() {
    const [, verb, arg] = getArguments();
    ({ serve, lookup })[verb](arg);
  },
};
