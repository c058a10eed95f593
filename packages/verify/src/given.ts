import { isFault } from './evidence/fault.js';
import { type LogPromise, promiseFault, readPromise } from './evidence/promise-note.js';
import { readReceipt, type Receipt } from './evidence/receipt-file.js';
import { type Keys, readStatement, signatureFault, type Statement } from './evidence/statement.js';
import type { Findings } from './finding.js';
import type { Claim } from './record/claims.js';

/** A file that somebody kept, by the name that findings call it by. */
export interface Given {
  readonly name: string;
  readonly content: Uint8Array | string;
}

/** A checkpoint of before, or the one inside a receipt with what the receipt claims. */
export interface Proven {
  readonly statement: Statement;
  readonly claim?: Claim;
}

export interface Promised {
  readonly given: Given;
  readonly promise: LogPromise;
  readonly claim: Claim;
}

export interface Evidence {
  readonly proofs: readonly Proven[];
  readonly promises: readonly Promised[];
}

export interface GivenFiles {
  readonly earlier?: readonly Given[] | undefined;
  readonly receipts?: readonly Given[] | undefined;
  readonly promises?: readonly Given[] | undefined;
}

/** Reads what was given; what cannot be read, or is of another log, is a finding. */
export function readGiven({ earlier = [], receipts = [], promises = [] }: GivenFiles, origin: string, findings: Findings): Evidence {
  const ofThisLog = (of: string, file: string): boolean => {
    if (of !== origin) findings.add('wrong_origin', `expected something of ${origin}, got something of ${of}`, { file });
    return of === origin;
  };
  const before = earlier.flatMap(({ name, content }) => {
    const statement = readStatement(content, { file: name });
    if (isFault(statement)) findings.add(statement.code, statement.message, { file: name });
    return !isFault(statement) && ofThisLog(statement.checkpoint.origin, name) ? [statement] : [];
  });
  const proofs = receipts.flatMap(({ name, content }) => {
    const receipt = readReceipt(content, { file: name });
    if (isFault(receipt)) findings.add(receipt.code, receipt.message, { file: name });
    else if (receipt.body === 'differs') findings.add('body_mismatch', 'expected the body that the entry commits to', { file: name, entry: receipt.entry.id });
    return !isFault(receipt) && ofThisLog(receipt.statement.checkpoint.origin, name) ? [receipt] : [];
  });
  const promised = promises.flatMap((given) => {
    const promise = readPromise(given.content);
    if (isFault(promise)) findings.add(promise.code, promise.message, { file: given.name });
    return !isFault(promise) && ofThisLog(promise.origin, given.name) ? [{ given, promise }] : [];
  });
  return {
    proofs: [...before.map((statement) => ({ statement })), ...proofs.map((receipt) => ({ statement: receipt.statement, claim: claimOf(receipt) }))],
    promises: promised.map(({ given, promise }) => ({ given, promise, claim: { kind: 'promise', file: given.name, entry: promise.entry, hash: promise.hash, at: promise.at } })),
  };
}

export const claimsOf = ({ proofs, promises }: Evidence): readonly Claim[] => [...proofs.flatMap(({ claim }) => claim ?? []), ...promises.map(({ claim }) => claim)];

const claimOf = ({ statement, entry, hash, index }: Receipt): Claim => ({ kind: 'receipt', file: statement.place.file ?? '', entry: entry.id, hash: Buffer.from(hash).toString('base64'), index });

export interface Judging {
  readonly keys: Keys;
  readonly head: Statement;
  /** Nothing for a size that the tree never was known at. */
  readonly rootAt: (size: bigint) => Uint8Array | undefined;
  readonly findings: Findings;
}

/**
 * Whether what was given is the log's own word, and whether this log still keeps it: every checkpoint has to be its
 * beginning. Returns the claims of what is not the log's word: it does not have to keep them.
 */
export function judgeGiven({ proofs, promises }: Evidence, { keys, head, rootAt, findings }: Judging): ReadonlySet<Claim> {
  const disbelieved = new Set<Claim>();
  const believed = [head];
  for (const { statement, claim } of proofs) {
    const fault = signatureFault(statement, keys);
    if (fault) findings.add(fault.code, fault.message, statement.place);
    // A key that was retired has spoken for the log once: who it speaks against now has to be seen.
    if (!fault || fault.code === 'key_retired') believed.push(statement);
    else if (claim) disbelieved.add(claim);
  }
  for (const { given, promise, claim } of promises) {
    const fault = promiseFault(given.content, promise, keys);
    if (!fault) continue;
    findings.add(fault.code, fault.message, { file: given.name, entry: promise.entry });
    disbelieved.add(claim);
  }
  for (const { place, checkpoint } of believed.slice(1)) {
    const root = rootAt(checkpoint.size);
    if (checkpoint.size > head.checkpoint.size) findings.add('rolled_back', `expected a log of at least ${checkpoint.size} entries, as it once was; this one has ${head.checkpoint.size}`, place);
    else if (root && Buffer.compare(root, checkpoint.root) !== 0) findings.add('fork', `expected the first ${checkpoint.size} entries to be those of this earlier checkpoint`, place);
  }
  judgeAmongThemselves(believed, findings);
  return disbelieved;
}

/** Two signed trees of one size contradict each other, also where this log has not come so far. */
function judgeAmongThemselves(statements: readonly Statement[], findings: Findings): void {
  const roots = new Map<bigint, string>();
  for (const { place, checkpoint } of statements) {
    const root = Buffer.from(checkpoint.root).toString('base64');
    const known = roots.get(checkpoint.size) ?? root;
    roots.set(checkpoint.size, known);
    if (known !== root) findings.add('fork', `expected one root for ${checkpoint.size} entries, got two that were signed`, place);
  }
}
