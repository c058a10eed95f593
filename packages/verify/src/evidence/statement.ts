import { type Checkpoint, openCheckpoint, openCosigned, meetsQuorum, parseCheckpoint, parseNote, type Policy, type Verifier } from '@flyball/tlog';
import type { FindingCode, Place } from '../finding.js';
import { attempt, type Fault, isFault } from './fault.js';
import type { KeyHistory } from './key-history.js';

/** A checkpoint that somebody has: the log's own, one of before, or the one inside a receipt. */
export interface Statement {
  readonly place: Place;
  /** The signed note. */
  readonly note: Uint8Array | string;
  readonly checkpoint: Checkpoint;
}

/** A checkpoint as it stands, its signatures not verified yet. */
export function readStatement(note: Uint8Array | string, place: Place, usual: FindingCode = 'checkpoint_malformed'): Statement | Fault {
  return attempt(usual, () => ({ place, note, checkpoint: parseCheckpoint(parseNote(note).text) }));
}

/** Keys of a log that are believed, and what the log says of them. */
export interface Keys {
  readonly verifiers: readonly Verifier[];
  /** Believed without the log's word; all others only for as long as the log says that they are active. */
  readonly direct: readonly Verifier[];
  readonly history: KeyHistory;
}

/** What is wrong with a checkpoint's signatures; nothing when a key that could sign it then did. */
export function signatureFault({ note, checkpoint }: Statement, { verifiers, direct, history }: Keys): Fault | undefined {
  const open = attempt('checkpoint_malformed', () => openCheckpoint(note, checkpoint.origin, verifiers));
  if (isFault(open)) return open;
  const statuses = open.verified.map((key) => ({ isDirect: isAmong(direct, key), status: history.statusAt(key, checkpoint.size) }));
  if (statuses.some(({ isDirect, status }) => status === 'active' || (isDirect && status === undefined))) return undefined;
  const isRetired = statuses.some(({ status }) => status === 'retired');
  return isRetired
    ? { code: 'key_retired', message: `expected the signature of an active key on the checkpoint of size ${checkpoint.size}; the log had retired the one that signed` }
    : { code: 'checkpoint_untrusted', message: `expected a key that the log had published at size ${checkpoint.size}` };
}

/** Whether enough witnesses saw a checkpoint. */
export function quorumFault({ note }: Statement, policy: Policy): Fault | undefined {
  const witnesses = policy.witnesses.flatMap(({ verifier }) => verifier ?? []);
  const cosigned = attempt('checkpoint_malformed', () => openCosigned(note, witnesses));
  if (isFault(cosigned)) return cosigned;
  return meetsQuorum(policy, cosigned) ? undefined : { code: 'quorum_missed', message: `expected the quorum of witnesses, got ${cosigned.map(({ name }) => name).join(', ') || 'none'}` };
}

/**
 * The keys that those who are trusted lead to: a checkpoint of this log, signed by a believed key, vouches for the keys
 * that the entries below it publish. That an entry alone names a key says nothing: anybody can write one.
 */
export function believedKeys(statements: readonly Statement[], origin: string, direct: readonly Verifier[], history: KeyHistory): Keys {
  const verifiers = [...direct];
  for (let before = -1; before < verifiers.length; ) {
    before = verifiers.length;
    const keys = { verifiers, direct, history };
    const vouched = statements.filter((statement) => statement.checkpoint.origin === origin && signatureFault(statement, keys) === undefined).reduce((most, { checkpoint }) => (checkpoint.size > most ? checkpoint.size : most), 0n);
    for (const { index, status, verifier } of history.events) {
      if (status === 'active' && verifier?.name === origin && BigInt(index) < vouched && !isAmong(verifiers, verifier)) verifiers.push(verifier);
    }
  }
  return { verifiers, direct, history };
}

const isAmong = (verifiers: readonly Verifier[], key: { readonly name: string; readonly keyId: number }): boolean => verifiers.some(({ name, keyId }) => name === key.name && keyId === key.keyId);
