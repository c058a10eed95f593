import { canonicalText, type Entry } from '@flyball/protocol';
import { leafHash, signNote, type Signer } from '@flyball/tlog';

const header = 'flyball/promise@v1';

/**
 * The promise that an entry, which is durable already, will be in the log: a C2SP signed note of five lines, which
 * are its name, the log's origin, the entry's id, its leaf hash in base64 and its time in milliseconds since 1970.
 * Whoever has one can show that an entry was left out.
 */
export function promiseOf(entry: Entry, origin: string, signer: Signer): string {
  const leaf = Buffer.from(leafHash(canonicalText(entry))).toString('base64');
  return signNote(`${[header, origin, entry.id, leaf, String(entry.at)].join('\n')}\n`, [signer]);
}
