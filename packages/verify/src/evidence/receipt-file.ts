import { leafHash, parseProof, type Proof, verifyInclusion } from '@flyball/tlog';
import { type Entry, readEntryText } from '../leaf/entry.js';
import { isMembers, type Members, textOf } from '../leaf/members.js';
import type { Place } from '../finding.js';
import { bodyDigest } from '../record/payloads.js';
import { attempt, type Fault, isFault } from './fault.js';
import { readStatement, type Statement } from './statement.js';

/** `none`: the entry commits to no body. `absent`: it does, and the receipt has none. */
export type ReceiptBody = 'none' | 'absent' | 'matches' | 'differs';

/** A receipt that is sound in itself: its entry leads to the root of its checkpoint, whose signatures are another matter. */
export interface Receipt {
  readonly statement: Statement;
  readonly index: number;
  readonly entry: Entry;
  readonly hash: Uint8Array;
  readonly body: ReceiptBody;
}

/** Reads a C2SP tlog-proof whose extra data is `{ entry, body? }`, and follows its proof. */
export function readReceipt(file: Uint8Array | string, place: Place): Receipt | Fault {
  const proof = attempt('receipt_invalid', () => parseProof(file));
  if (isFault(proof)) return proof;
  const extra = readExtra(proof);
  if (!extra) return invalid('expected extra data of the form { "entry": …, "body": … }');
  const read = readEntryText(extra.leaf);
  if ('fault' in read) return invalid(`expected an entry; this ${read.fault}`);
  const statement = readStatement(proof.checkpoint, place, 'receipt_invalid');
  if (isFault(statement)) return statement;
  const hash = leafHash(extra.leaf);
  const { size, root } = statement.checkpoint;
  const inclusion = attempt('receipt_invalid', () => {
    verifyInclusion({ index: proof.index, size, leafHash: hash, root, proof: proof.proof });
    return {};
  });
  if (isFault(inclusion)) return inclusion;
  if (proof.index > BigInt(Number.MAX_SAFE_INTEGER)) return invalid('expected an index below 2^53');
  return { statement, index: Number(proof.index), entry: read.entry, hash, body: bodyOf(extra.body, read.entry) };
}

function readExtra({ extra }: Proof): { readonly leaf: string; readonly body: Members | undefined } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(extra));
  } catch {
    return undefined;
  }
  if (!isMembers(value) || Object.keys(value).some((name) => name !== 'entry' && name !== 'body')) return undefined;
  const [leaf, body] = [textOf(value, 'entry'), value['body']];
  if (!leaf?.isWellFormed() || (body !== undefined && !isMembers(body))) return undefined;
  return { leaf, body };
}

function bodyOf(body: Members | undefined, { payload }: Entry): ReceiptBody {
  if (!body) return payload === undefined ? 'none' : 'absent';
  const [salt, content] = [textOf(body, 'salt'), textOf(body, 'content')];
  return salt !== undefined && content !== undefined && bodyDigest({ salt, content }) === payload ? 'matches' : 'differs';
}

const invalid = (message: string): Fault => ({ code: 'receipt_invalid', message });
