import { createHash } from 'node:crypto';
import { canonicalText } from '@flyball/protocol';

/** What a person's key signs when they answer: this question, as they saw it, and which way they answered. */
export interface Statement {
  readonly hold: string;
  /** Digest of the attempt that waits. */
  readonly digest: string;
  /** Digest of the text that the person saw. */
  readonly seen: string;
  readonly agrees: boolean;
  /** What they agreed to do without: caps and a shorter time. */
  readonly narrow?: { readonly caps?: Readonly<Record<string, number>> | undefined; readonly untilMs?: number | undefined } | undefined;
}

/**
 * The WebAuthn challenge (base64url) of an answer: SHA-256 over RFC 8785 of the statement and a nonce that is used once.
 * Whoever has the record computes it again; packages/verify does so with code of its own.
 */
export function challengeOf({ hold, digest, seen, agrees, narrow }: Statement, nonce: string): string {
  const said = { context: 'flyball answer v1', hold, digest, seen, agrees, nonce, ...(narrow !== undefined && { narrow }) };
  return createHash('sha256').update(canonicalText(said)).digest('base64url');
}
