import { type KeyName, sameKey, type VerifierKey } from './key.js';

export interface PolicyLog {
  readonly key: KeyName;
  /** Nothing for an ML-DSA-44 key, which this library cannot verify. */
  readonly verifier: VerifierKey | undefined;
  readonly url: string | undefined;
}

export interface PolicyWitness extends PolicyLog {
  /** What the policy calls it; of no meaning elsewhere. */
  readonly name: string;
}

/** Who has to have cosigned. */
export type Quorum =
  | { readonly kind: 'none' }
  | { readonly kind: 'witness'; readonly key: KeyName }
  | { readonly kind: 'group'; readonly least: number; readonly members: readonly Quorum[] };

export interface Policy {
  readonly logs: readonly PolicyLog[];
  readonly witnesses: readonly PolicyWitness[];
  readonly quorum: Quorum;
}

/** Whether cosigners, verified by `openCosigned`, are the quorum of a policy (tlog-policy, Defining the quorum). */
export function meetsQuorum({ quorum }: Pick<Policy, 'quorum'>, cosigners: readonly KeyName[]): boolean {
  return isMet(quorum, cosigners);
}

function isMet(quorum: Quorum, cosigners: readonly KeyName[]): boolean {
  switch (quorum.kind) {
    case 'none':
      return true;
    case 'witness':
      return cosigners.some((cosigner) => sameKey(cosigner, quorum.key));
    case 'group':
      return quorum.members.filter((member) => isMet(member, cosigners)).length >= quorum.least;
  }
}
