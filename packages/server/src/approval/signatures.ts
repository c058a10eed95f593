import type { Narrowing } from '../action/states.js';

/** The answer that was signed: a question, as this person saw it, and which way they answered. */
export interface Signing {
  readonly person: string;
  readonly hold: string;
  /** Digest of the attempt that waits. */
  readonly digest: string;
  /** Digest of the preview that the person saw. */
  readonly seen: string;
  readonly agrees: boolean;
  readonly narrow?: Narrowing | undefined;
}

/** What goes into the record of an answer whose signature was verified. */
export interface SignatureEvidence {
  /** The answer's entry takes this place beside those in its session: a signature that counts on changes the key's counter once. */
  readonly place: { readonly stream: string; readonly expected: number };
  /** For ever: which key, by the entry that added it. */
  readonly body: { readonly method: 'webauthn'; readonly authenticator: string; readonly counter: number };
  /** Can be erased, and proves the answer to a stranger until then. */
  readonly payload: object;
}

/** Who can tell whether a person's own key signed an answer. */
export interface Signatures<Assertion = unknown> {
  /** Throws `approval_refused` unless this person signed exactly this answer, and did not use the signature before. */
  verify(answer: Signing, assertion: Assertion): Promise<SignatureEvidence>;
}
