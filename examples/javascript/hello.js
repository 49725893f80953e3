// Greets whoever is named, as a WASI 0.2 component with QuickJS in it.

import { getArguments, getEnvironment } from 'wasi:cli/environment@0.2.12';
import { getStdout } from 'wasi:cli/stdout@0.2.12';

export const run = {
  run() {
    const greeting = new Map(getEnvironment()).get('GREETING') ?? 'Hello';
    const name = getArguments()[1] ?? 'world';
    const line = `${greeting} from JavaScript, ${name}!\n`;
    getStdout().blockingWriteAndFlush(Uint8Array.from(line, (c) => c.charCodeAt(0)));
  },
};
