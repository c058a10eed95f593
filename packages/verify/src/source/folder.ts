import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type LogSource, unavailable } from './source.js';

/** A log as files in a folder. */
export function folder(path: string): LogSource {
  return { name: path, read: (file, bytesMax) => readBounded(join(path, ...file.split('/')), file, bytesMax) };
}

async function readBounded(path: string, name: string, bytesMax: number): Promise<Uint8Array> {
  try {
    // A pipe or a device could go on for ever, or never begin.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw unavailable(name, 'it is no plain file');
      if (stat.size > bytesMax) throw unavailable(name, `it is over ${bytesMax} bytes`);
      return new Uint8Array(await handle.readFile());
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as { readonly code?: string };
    throw code === 'unavailable' ? error : unavailable(name, code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code ?? 'error'})`, error);
  }
}
