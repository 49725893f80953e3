// A verb per thing a test asks: hello, args, env, upper, clock, random, exit, throw, files. Made by componentize-js.
import { getArguments, getEnvironment } from 'wasi:cli/environment@0.2.12';
import { exitWithCode } from 'wasi:cli/exit@0.2.12';
import { getStdin } from 'wasi:cli/stdin@0.2.12';
import { getStdout } from 'wasi:cli/stdout@0.2.12';
import { now, subscribeDuration } from 'wasi:clocks/monotonic-clock@0.2.12';
import { getDirectories } from 'wasi:filesystem/preopens@0.2.12';

const closed = (err) => err?.payload?.tag === 'closed';

// Calls f until the stream it reads from or writes to is closed.
function untilClosed(f) {
  try {
    for (;;) f();
  } catch (err) {
    if (!closed(err)) throw err;
  }
}

function print(bytes) {
  const out = getStdout();
  for (let i = 0; i < bytes.length; i += 4096) out.blockingWriteAndFlush(bytes.slice(i, i + 4096));
}

const text = (s) => new TextEncoder().encode(s);

function upper() {
  const stdin = getStdin();
  untilClosed(() => print(stdin.blockingRead(4096n).map((b) => (b >= 0x61 && b <= 0x7a ? b - 0x20 : b))));
}

function clock() {
  const before = now();
  subscribeDuration(20_000_000n).block();
  return `${Math.floor(Date.now() / 1000)} ${(now() - before) / 1_000_000n}`;
}

function random() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

// Writes a file into the directory of that name and lists what is there, with the size of the file.
function files(dir) {
  const [root, name] = getDirectories().find(([, at]) => at === '/' || at === dir);
  const inside = name === dir ? '' : dir.slice(1) + '/';
  const file = root.openAt({}, `${inside}from-js`, { create: true, truncate: true }, { write: true, read: true });
  file.write(text('written by JavaScript'), 0n);
  const [bytes, end] = file.read(100n, 0n);
  const entries = root.openAt({}, inside || '.', { directory: true }, { read: true }).readDirectory();
  const names = [];
  for (let e = entries.readDirectoryEntry(); e; e = entries.readDirectoryEntry()) names.push(e.name);
  return `${new TextDecoder().decode(bytes)}\n${file.stat().size} ${end}\n${names.sort().join(' ')}`;
}

const verbs = {
  hello: () => 'hello from JavaScript',
  args: () => getArguments().join('\n'),
  env: () => getEnvironment().map(([name, value]) => `${name}=${value}`).join('\n'),
  upper,
  clock,
  random,
  exit: (code) => exitWithCode(Number(code)),
  throw: () => {
    throw new Error('thrown by JavaScript');
  },
  files,
};

export const run = {
  run() {
    const [, verb = 'hello', ...args] = getArguments();
    if (!verbs[verb]) {
      console.error(`js_tool: verb ${verb} unknown`);
      throw undefined;
    }
    const line = verbs[verb](...args);
    if (line !== undefined) console.log(line);
  },
};
