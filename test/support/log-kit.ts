import { createHash, createPrivateKey } from 'node:crypto';
import type { Entry } from '@flyball/protocol';
import { append, emptyEdge, openCheckpoint, parseCheckpoint, parseNote, parseVerifierKey, treeRoot, type TreeEdge } from '@flyball/tlog';
import { type KeyHistory, LogKeys, type LogSigner, signerOf } from '../../packages/server/src/ledger/log/log-keys.js';
import type { Extension, LogHead, LogStore, Unsequenced } from '../../packages/server/src/ledger/log/log-store.js';
import { PublishedHead } from '../../packages/server/src/ledger/log/published-head.js';
import { TransparencyLog } from '../../packages/server/src/ledger/log/log.js';
import { Sequencer } from '../../packages/server/src/ledger/log/sequencer.js';
import { Witnesses } from '../../packages/server/src/ledger/log/witnesses.js';
import type { EntryStore } from '../../packages/server/src/ledger/store.js';

export const origin = 'log.example/attacked';

/** A key made from one byte, so that processes have the same one without telling each other. */
export function keyOf(seed: number, of = origin): LogSigner {
  const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
  return signerOf(createPrivateKey({ key: Buffer.concat([prefix, Buffer.alloc(32, seed)]), format: 'der', type: 'pkcs8' }), of);
}

/** Every checkpoint that was ever signed, and those that were shown, by whichever node. */
export class Signed {
  readonly signed: string[] = [];
  readonly shown: string[] = [];

  /** A signer that hides nothing. */
  over(signer: LogSigner): LogSigner {
    return {
      ...signer,
      sign: (message) => {
        this.signed.push(Buffer.from(message).toString('utf8'));
        return signer.sign(message);
      },
    };
  }
}

export interface SequencerOptions {
  readonly store: LogStore;
  readonly file: string;
  readonly holder: string;
  readonly signed: Signed;
  readonly now?: () => number;
  readonly signer?: LogSigner;
  /** The node's keys at a moment; throws when none is left. */
  readonly signers?: () => readonly LogSigner[];
}

/** A node's sequencer with its published head, which remembers all that it shows. */
export function sequencerOn({ store, file, holder, signed, now = () => performance.now(), signer = keyOf(1), signers = () => [signer] }: SequencerOptions) {
  const published = new PublishedHead(file, origin, () => [parseVerifierKey(keyOf(1).vkey)]);
  published.load();
  const sequencer = new Sequencer(store, published, () => signers().map((each) => signed.over(each)), holder, now);
  const round = async (): Promise<number> => {
    const before = published.checkpoint;
    try {
      return await sequencer.round();
    } finally {
      if (published.checkpoint !== before) signed.shown.push(parseNote(published.checkpoint).text);
    }
  };
  return { sequencer, published, round };
}

export interface NodeOptions extends SequencerOptions {
  readonly entries: EntryStore;
  readonly shared?: boolean;
  readonly witnesses?: ConstructorParameters<typeof Witnesses>[0];
}

/** A node's whole log, whose one key needs no record, and all that it could not do. */
export function logOn({ store, entries, signed, shared = false, witnesses = [], now = () => performance.now(), ...rest }: NodeOptions) {
  const signer = keyOf(1);
  const history: KeyHistory = { [signer.vkey]: 'active' };
  const keys = new LogKeys([signer], { read: () => Promise.resolve({ version: 1, state: history }), append: () => Promise.resolve(undefined as Entry | undefined) });
  const { sequencer, published } = sequencerOn({ store, signed, now, ...rest });
  const troubles: string[] = [];
  const log = new TransparencyLog({ origin, store, entries, keys, published, sequencer, witnesses: new Witnesses(witnesses, store, now), shared }, (message) => troubles.push(message));
  return { log, published, sequencer, troubles };
}

/** RFC 6962, section 2.1, word for word. */
export function treeHash(leaves: readonly Uint8Array[]): Buffer {
  const [only] = leaves;
  if (!only) return createHash('sha256').digest();
  if (leaves.length === 1) return Buffer.from(only);
  const split = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return createHash('sha256').update(Buffer.of(1)).update(treeHash(leaves.slice(0, split))).update(treeHash(leaves.slice(split))).digest();
}

export const leafOf = (text: string): Buffer => createHash('sha256').update(Buffer.of(0)).update(text, 'utf8').digest();

/** What is wrong with a log, computed anew from the texts of its entries: nothing when it is whole. */
export async function faultsOf(store: LogStore, checkpoints: readonly string[], acknowledged: readonly string[], vkey = keyOf(1).vkey): Promise<readonly string[]> {
  const head = await store.head();
  if (!head) return ['no log'];
  const size = Number(head.size);
  const texts = await store.texts(0n, size + 1);
  const ids = texts.map((text) => (text === undefined ? 'missing' : (JSON.parse(text) as { id: string }).id));
  const leaves = texts.map((text) => leafOf(text ?? ''));
  const faults: string[] = [];
  const check = (is: boolean, fault: string) => void (is || faults.push(fault));
  check(texts.length === size, `${texts.length} entries at a size of ${size}`);
  check(new Set(ids).size === ids.length, 'an entry twice');
  check(treeHash(leaves).equals(head.root), 'the entries do not lead to the root');
  check(Buffer.from(await treeRoot(store, head.size)).equals(head.root), 'the tiles do not lead to the root');
  const signed = openCheckpoint(head.checkpoint, origin, [parseVerifierKey(vkey)]);
  check(signed.size === head.size && Buffer.from(signed.root).equals(head.root), 'the checkpoint is not of the log');
  const present = new Set(ids);
  acknowledged.forEach((id) => check(present.has(id), `${id} was acknowledged and is not there`));
  check(present.size === new Set(acknowledged).size, `${present.size} entries, ${acknowledged.length} acknowledged`);
  return [...faults, ...contradictions(checkpoints, leaves)];
}

/** Checkpoints that are of no beginning of this log. */
export function contradictions(checkpoints: readonly string[], leaves: readonly Uint8Array[]): readonly string[] {
  const signed = [...new Set(checkpoints)].map((text) => parseCheckpoint(text)).sort((a, b) => Number(a.size - b.size));
  let edge = emptyEdge;
  return signed.flatMap(({ size, root }) => {
    if (size <= BigInt(leaves.length)) edge = append(edge, leaves.slice(Number(edge.size), Number(size))).edge;
    return edge.size === size && Buffer.from(edge.root()).equals(root) ? [] : [`a checkpoint of ${size} entries is of no beginning of the log`];
  });
}

/** One extension as a sequencer would make it. */
export function extension(from: LogHead, edge: TreeEdge, entries: readonly Unsequenced[]): { readonly extension: Extension; readonly edge: TreeEdge } {
  const grown = append(edge, entries.map(({ leaf }) => leaf));
  return { extension: { from, to: { size: grown.edge.size, root: grown.edge.root() }, entries, tiles: grown.tiles }, edge: grown.edge };
}
