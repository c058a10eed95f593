import { type Cosignature, openCosigned } from '@flyball/tlog';
import { attempt, isFault } from './evidence/fault.js';
import { KeyHistory } from './evidence/key-history.js';
import { readReceipt, type Receipt, type ReceiptBody } from './evidence/receipt-file.js';
import { quorumFault, signatureFault } from './evidence/statement.js';
import { type Finding, Findings } from './finding.js';
import type { Entry } from './leaf/entry.js';
import { originsOf, policyOf, type Trust } from './trust.js';

export interface ReceiptVerdict {
  readonly holds: boolean;
  readonly findings: readonly Finding[];
  /** What the receipt proves, if it holds; what it claims, if it does not. */
  readonly origin?: string;
  readonly size?: bigint;
  readonly root?: Uint8Array;
  readonly index?: number;
  readonly entry?: Entry;
  readonly body?: ReceiptBody;
  /** Witnesses that were trusted and saw the checkpoint. */
  readonly cosigned?: readonly Cosignature[];
}

/**
 * That an entry is in a log that is trusted, offline: from the file and the keys alone. What the file says wrong is a
 * finding; throws `usage` only for a trust that is none.
 */
export function verifyReceipt(file: Uint8Array | string, trust: Trust): ReceiptVerdict {
  const policy = policyOf(trust);
  const findings = new Findings();
  const receipt = readReceipt(file, {});
  if (isFault(receipt)) {
    findings.add(receipt.code, receipt.message);
    return { holds: false, findings: findings.judge('integrity').findings };
  }
  const { statement, entry, body } = receipt;
  const { origin } = statement.checkpoint;
  const direct = policy.logs.flatMap(({ verifier }) => (verifier?.name === origin ? [verifier] : []));
  const signature = originsOf(policy).includes(origin)
    ? signatureFault(statement, { verifiers: direct, direct, history: new KeyHistory() })
    : ({ code: 'wrong_origin', message: `expected a receipt of ${originsOf(policy).join(' or ')}, got one of ${origin}` } as const);
  for (const fault of [signature, quorumFault(statement, policy)]) if (fault) findings.add(fault.code, fault.message, { entry: entry.id });
  if (body === 'differs') findings.add('body_mismatch', 'expected the body that the entry commits to', { entry: entry.id });
  const witnesses = policy.witnesses.flatMap(({ verifier }) => verifier ?? []);
  const cosigned = attempt('receipt_invalid', () => openCosigned(statement.note, witnesses));
  const { holds, findings: listed } = findings.judge('integrity');
  return { holds, findings: listed, ...claimed(receipt), cosigned: isFault(cosigned) ? [] : cosigned };
}

const claimed = ({ statement: { checkpoint }, index, entry, body }: Receipt) => ({ origin: checkpoint.origin, size: checkpoint.size, root: checkpoint.root, index, entry, body });
