import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Given } from '../given.js';
import { isMembers, textOf } from '../leaf/members.js';
import type { Body } from '../record/payloads.js';
import { VerifyError } from '../verify-error.js';

/** A file that was named. Throws `usage` when it cannot be read. */
export async function readGivenFile(name: string): Promise<Given> {
  try {
    return { name, content: new Uint8Array(await readFile(name)) };
  } catch (cause) {
    throw new VerifyError('usage', `expected a file that can be read: \`${name}\``, { cause });
  }
}

export const readGivenFiles = (names: readonly string[]): Promise<readonly Given[]> => Promise.all(names.map(readGivenFile));

/** Bodies, one JSON object `{ entry, salt, content }` a line. Throws `usage` with the line of what is none. */
export async function* readBodies(file: string): AsyncGenerator<Body, void, undefined> {
  const input = createReadStream(file);
  // Without a listener from the beginning, a file that is not there would end the process.
  const failed = new Promise<never>((_, reject) => input.on('error', reject));
  failed.catch(() => undefined);
  const lines = createInterface({ input, crlfDelay: Infinity })[Symbol.asyncIterator]();
  try {
    for (let number = 1; ; number++) {
      const next = await Promise.race([lines.next(), failed]);
      if (next.done === true) return;
      if (next.value.trim() !== '') yield bodyOf(next.value, file, number);
    }
  } catch (cause) {
    if (cause instanceof VerifyError) throw cause;
    throw new VerifyError('usage', `expected a file of bodies that can be read: \`${file}\``, { cause });
  } finally {
    input.destroy();
  }
}

function bodyOf(line: string, file: string, number: number): Body {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    value = undefined;
  }
  const [entry, salt, content] = isMembers(value) ? [textOf(value, 'entry'), textOf(value, 'salt'), textOf(value, 'content')] : [];
  if (entry === undefined || salt === undefined || content === undefined) throw new VerifyError('usage', `expected { "entry", "salt", "content" } in line ${number} of \`${file}\``);
  return { entry, salt, content };
}
