import { isFault } from './evidence/fault.js';
import { type LogPromise, promiseFault, readPromise } from './evidence/promise-note.js';
import { type Finding, Findings } from './finding.js';
import { originsOf, policyOf, type Trust } from './trust.js';

export interface PromiseVerdict {
  readonly holds: boolean;
  readonly findings: readonly Finding[];
  /** What was promised, if it holds; what the note claims, if it does not. */
  readonly promise?: LogPromise;
}

/** That a log which is trusted promised an entry, offline. Whether it kept the promise is for `verifyLog` to say. */
export function verifyPromise(note: Uint8Array | string, trust: Trust): PromiseVerdict {
  const policy = policyOf(trust);
  const findings = new Findings();
  const promise = readPromise(note);
  if (isFault(promise)) {
    findings.add(promise.code, promise.message);
    return { holds: false, findings: findings.judge('integrity').findings };
  }
  const verifiers = policy.logs.flatMap(({ verifier }) => verifier ?? []);
  const fault = originsOf(policy).includes(promise.origin) ? promiseFault(note, promise, { verifiers }) : ({ code: 'wrong_origin', message: `expected a promise of ${originsOf(policy).join(' or ')}, got one of ${promise.origin}` } as const);
  if (fault) findings.add(fault.code, fault.message, { entry: promise.entry });
  const { holds, findings: listed } = findings.judge('integrity');
  return { holds, findings: listed, promise };
}
