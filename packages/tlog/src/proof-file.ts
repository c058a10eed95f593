import { fromBase64, toBase64 } from './base64.js';
import { formatHash, parseCheckpoint, parseHash } from './checkpoint.js';
import { checkNumber, parseDecimal } from './decimal.js';
import { boundedText, checkControls } from './lines.js';
import { parseNote } from './note.js';
import { TlogError } from './tlog-error.js';
import { proofHashesMax } from './witness.js';

const header = 'c2sp.org/tlog-proof@v1';
const extraWord = 'extra ';
const indexWord = 'index ';

/** A `.tlog-proof` file: that an entry is in a log. */
export interface Proof {
  /** Whatever the writer added; nobody vouches for it. Never empty. */
  readonly extra?: Uint8Array;
  readonly index: bigint;
  /** Inclusion proof, from the leaf's sibling up. */
  readonly proof: readonly Uint8Array[];
  /** The signed note. */
  readonly checkpoint: string;
}

/** A proof file as it stands, unverified (tlog-proof, Format): at most 1 MiB and 63 hashes, one way to write each line; `malformed` or `too_large`. */
export function parseProof(file: Uint8Array | string): Proof {
  const text = boundedText(file);
  checkControls(text);
  const split = text.indexOf('\n\n');
  const [first, ...rest] = split < 0 ? [] : text.slice(0, split).split('\n');
  if (first !== header) throw notProof();
  const extra = rest[0]?.startsWith(extraWord) ? fromBase64(rest[0].slice(extraWord.length)) : undefined;
  const [index = '', ...hashes] = extra ? rest.slice(1) : rest;
  if (!index.startsWith(indexWord) || extra?.length === 0) throw notProof();
  if (hashes.length > proofHashesMax) throw tooLong();
  const checkpoint = text.slice(split + 2);
  parseCheckpoint(parseNote(checkpoint).text);
  return { ...(extra && { extra }), index: parseDecimal(index.slice(indexWord.length)), proof: hashes.map(parseHash), checkpoint };
}

/** Text of a proof file (tlog-proof, Format); `malformed` when it could not be read again. */
export function formatProof({ extra, index, proof, checkpoint }: Proof): string {
  checkNumber(index);
  if (proof.length > proofHashesMax) throw tooLong();
  if (extra?.length === 0) throw new TlogError('malformed', 'expected extra data or none');
  parseCheckpoint(parseNote(checkpoint).text);
  const lines = [header, ...(extra ? [`${extraWord}${toBase64(extra)}`] : []), `${indexWord}${index}`, ...proof.map(formatHash)];
  return boundedText(`${lines.join('\n')}\n\n${checkpoint}`);
}

const notProof = () => new TlogError('malformed', 'expected a tlog-proof');
const tooLong = () => new TlogError('too_large', `expected at most ${proofHashesMax} hashes`);
