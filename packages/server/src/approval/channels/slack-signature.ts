import { createHmac } from 'node:crypto';
import { FlyballError } from '@flyball/protocol';
import type { Clock } from '../../lib/clock.js';
import { Secret } from '../../lib/secret.js';

const windowMs = 5 * 60_000;
const seenMost = 20_000;

/**
 * Verifies that a request is Slack's, once: HMAC-SHA256 over version, time and the raw body, not older than five
 * minutes, and none that was here before. Whatever is wrong is one error, which tells a forger nothing.
 */
export class SlackSignature {
  /** Signatures, with when they stop to count by themselves. */
  readonly #seen = new Map<string, number>();

  constructor(
    private readonly secret: Secret,
    private readonly clock: Clock,
  ) {}

  verify(timestamp: string | undefined, signature: string | undefined, body: Uint8Array): void {
    const now = this.clock.now();
    if (timestamp === undefined || signature === undefined || !/^[0-9]{1,12}$/.test(timestamp) || !/^v0=[0-9a-f]{64}$/.test(signature)) throw forged();
    if (Math.abs(now - Number(timestamp) * 1_000) > windowMs) throw forged();
    const expected = createHmac('sha256', this.secret.reveal()).update(`v0:${timestamp}:`).update(body).digest('hex');
    if (!new Secret(`v0=${expected}`).equals(signature)) throw forged();
    this.#forget(now);
    if (this.#seen.has(signature)) throw forged();
    // Only what Slack signed comes this far; so much of it at once is refused sooner than forgotten.
    if (this.#seen.size >= seenMost) throw new FlyballError('overloaded', 'too many answers at once; answer on the page');
    this.#seen.set(signature, Number(timestamp) * 1_000 + windowMs);
  }

  #forget(now: number): void {
    for (const [signature, untilMs] of this.#seen) if (untilMs < now) this.#seen.delete(signature);
  }
}

const forged = () => new FlyballError('unauthenticated', 'this was not signed as it has to be');
