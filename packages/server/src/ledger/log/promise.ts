import { signNote, type Signer } from '@flyball/tlog';
import type { EntryRecord } from '../store.js';

const header = 'flyball/promise@v1';

/**
 * The promise that an entry, which is durable already, will be in the log: a C2SP signed note of five lines, which
 * are its name, the log's origin, the entry's id, its leaf hash in base64 and its time in milliseconds since 1970.
 * Whoever has one can show that an entry was left out.
 */
export function promiseOf({ entry, leaf }: EntryRecord, origin: string, signer: Signer): string {
  return signNote(`${[header, origin, entry.id, Buffer.from(leaf).toString('base64'), String(entry.at)].join('\n')}\n`, [signer]);
}
