import { FlyballError, type JsonObject, type Principal } from '@flyball/protocol';
import type { Submission } from './read-submission.js';

/**
 * Every actor that a submission claims has to be proved by the caller's own token: the first is the one who calls, the
 * others those it acts through, in their order (section Delegation). Throws `denied`.
 */
export function verifyActors(claimed: Submission['actors'], { identity, chain }: Pick<Principal, 'identity' | 'chain'>, claims: JsonObject): void {
  if (claimed.length === 0) return;
  const [first, ...others] = claimed;
  const isCaller = first !== undefined && [identity.id, claims['sub']].includes(first.name) && others.length <= chain.length && others.every(({ name }, index) => name === chain[index]);
  const isIssued = claimed.every(({ issuer }) => issuer === undefined || issuer === claims['iss']);
  if (!isCaller || !isIssued) throw new FlyballError('denied', 'expected `client.actor` to be who the token says: no other actor is believed');
}
