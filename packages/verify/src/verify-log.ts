import type { Policy, Verifier } from '@flyball/tlog';
import { isFault } from './evidence/fault.js';
import { KeyHistory } from './evidence/key-history.js';
import { believedKeys, quorumFault, readStatement, signatureFault, type Statement } from './evidence/statement.js';
import { Findings } from './finding.js';
import { claimsOf, type Evidence, type GivenFiles, judgeGiven, readGiven } from './given.js';
import type { Claim } from './record/claims.js';
import type { Body } from './record/payloads.js';
import { RecordCheck } from './record/record-check.js';
import { examine } from './examine.js';
import { checkpointBytesMax, type LogSource } from './source/source.js';
import { TreeCheck } from './tree/tree-check.js';
import { originsOf, policyOf, type Trust } from './trust.js';
import type { Progress, Verdict } from './verdict.js';

export interface LogToVerify extends GivenFiles {
  readonly source: LogSource;
  readonly trust: Trust;
  /** What entries commit to; when they are given, none may be missing but those that were erased. */
  readonly bodies?: AsyncIterable<Body> | Iterable<Body> | undefined;
  /** Milliseconds since 1970, for a log that is alive: what was due before is not excused by the log having stopped. */
  readonly now?: number | undefined;
  /** Called at least once a second. */
  readonly progress?: ((progress: Progress) => void) | undefined;
}

const checkpointFile = 'checkpoint';
/** Beyond it numbers are not exact. */
const sizeMax = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Reads a whole log and says whether it is the one that was signed (integrity) and whether anything is missing
 * (completeness). Never throws for what a log or a file says, only `usage` for a trust that is none.
 */
export async function verifyLog(asked: LogToVerify): Promise<Verdict> {
  const policy = policyOf(asked.trust);
  const findings = new Findings();
  const head = await readHead(asked.source, originsOf(policy), findings);
  const evidence = head ? readGiven(asked, head.checkpoint.origin, findings) : noEvidence;
  const record = new RecordCheck(findings, { claims: claimsOf(evidence), bodies: asked.bodies });
  const direct = policy.logs.flatMap(({ verifier }) => (verifier?.name === head?.checkpoint.origin ? (verifier ?? []) : []));
  const tree = head && new TreeCheck(asked.source, head.checkpoint, evidence.proofs.map(({ statement }) => statement.checkpoint.size), findings);
  // Without a single signature that is believed, whatever is read would prove nothing to anybody.
  const isWorth = head && tree && [head, ...evidence.proofs.map(({ statement }) => statement)].some((statement) => !signatureFault(statement, { verifiers: direct, direct, history: new KeyHistory() }));
  if (isWorth) {
    await record.takeBodies();
    await examine({ source: asked.source, size: Number(head.checkpoint.size), tree, record, findings, progress: asked.progress });
  } else findings.add('not_examined', 'expected a checkpoint that can be believed; the entries were not read');
  record.order();
  const broken = head && tree ? judgeSigned({ head, tree, policy, direct, evidence, record, findings }) : undefined;
  const counts = record.finish({ newestMs: record.newestMs, nowMs: asked.now }, broken ?? new Set());
  return {
    origin: head?.checkpoint.origin ?? '',
    size: head?.checkpoint.size ?? 0n,
    root: head?.checkpoint.root ?? new Uint8Array(),
    integrity: findings.judge('integrity'),
    completeness: findings.judge('completeness'),
    counts: { ...counts, tiles: tree?.tiles ?? 0, earlier: asked.earlier?.length ?? 0, receipts: asked.receipts?.length ?? 0, promises: asked.promises?.length ?? 0 },
    newestMs: record.newestMs,
    keys: [...new Map(record.keys.events.map(({ key, status }) => [key, status]))].map(([key, status]) => ({ key, status })),
  };
}

interface Signed {
  readonly head: Statement;
  readonly tree: TreeCheck;
  readonly policy: Policy;
  readonly direct: readonly Verifier[];
  readonly evidence: Evidence;
  readonly record: RecordCheck;
  readonly findings: Findings;
}

/** Everything about signatures, now that the log's own keys are known; returns the claims that nobody has to keep. */
function judgeSigned({ head, tree, policy, direct, evidence, record, findings }: Signed): ReadonlySet<Claim> {
  const { origin, size } = head.checkpoint;
  const isOfThisLog = ({ checkpoint }: Statement) => Buffer.compare(tree.rootAt(checkpoint.size) ?? new Uint8Array(), checkpoint.root) === 0;
  const keys = believedKeys([head, ...evidence.proofs.map(({ statement }) => statement)].filter(isOfThisLog), origin, direct, record.keys);
  for (const fault of [signatureFault(head, keys), quorumFault(head, policy)]) if (fault) findings.add(fault.code, fault.message, head.place);
  if (tree.size === size && !isOfThisLog(head)) findings.add('root_mismatch', 'expected the entries to lead to the root that was signed', head.place);
  return judgeGiven(evidence, { keys, head, rootAt: (at) => tree.rootAt(at), findings });
}

const noEvidence: Evidence = { proofs: [], promises: [] };

/** The log's own checkpoint, as it stands; nothing when it cannot be read or is another log's. */
async function readHead(source: LogSource, origins: readonly string[], findings: Findings): Promise<Statement | undefined> {
  let note: Uint8Array;
  try {
    note = await source.read(checkpointFile, checkpointBytesMax);
  } catch (error) {
    findings.add('unavailable', error instanceof Error ? error.message : 'no answer', { file: checkpointFile });
    return undefined;
  }
  const head = readStatement(note, { file: checkpointFile });
  if (isFault(head)) {
    findings.add(head.code, head.message, { file: checkpointFile });
    return undefined;
  }
  const { origin, size } = head.checkpoint;
  if (!origins.includes(origin)) findings.add('wrong_origin', `expected a log called ${origins.join(' or ')}, got ${origin}`, head.place);
  else if (size > sizeMax) findings.add('checkpoint_malformed', 'expected a size below 2^53', head.place);
  else return head;
  return undefined;
}
