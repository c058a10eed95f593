import { openNote, parseNote, type Verifier } from '@flyball/tlog';
import { isTimeId } from '../leaf/entry.js';
import { attempt, type Fault, isFault } from './fault.js';
import type { Keys } from './statement.js';

const header = 'flyball/promise@v1';
const hash = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
const time = /^(?:0|[1-9]\d{0,15})$/;
/** How long a node may take to notice that a key was retired, in milliseconds. */
const noticeMs = 60_000;

/** What a log promised: that this entry will be in it. */
export interface LogPromise {
  readonly origin: string;
  readonly entry: string;
  /** Leaf hash in base64. */
  readonly hash: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A promise as it stands, its signature not verified yet. */
export function readPromise(note: Uint8Array | string): LogPromise | Fault {
  const parsed = attempt('promise_invalid', () => parseNote(note));
  if (isFault(parsed)) return parsed;
  const [first, origin = '', entry, leaf = '', at = '', end, ...more] = parsed.text.split('\n');
  if (first !== header || origin === '' || !isTimeId(entry) || !hash.test(leaf) || !time.test(at) || end !== '' || more.length > 0) return { code: 'promise_invalid', message: 'expected the five lines of a promise' };
  return { origin, entry, hash: leaf, at: Number(at) };
}

/** What is wrong with a promise's signature; nothing when a key of its log signed it that could. */
export function promiseFault(note: Uint8Array | string, promise: LogPromise, { verifiers, history }: Pick<Keys, 'verifiers'> & { readonly history?: Keys['history'] }): Fault | undefined {
  const own = verifiers.filter((verifier: Verifier) => verifier.name === promise.origin);
  const open = attempt('promise_invalid', () => openNote(note, own));
  if (isFault(open)) return { code: 'promise_invalid', message: open.message };
  const isActive = open.verified.some((key) => promise.at <= (history?.retiredAt(key) ?? Infinity) + noticeMs);
  return isActive ? undefined : { code: 'key_retired', message: 'expected the signature of a key that was active when the promise was made' };
}
