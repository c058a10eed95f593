import { hash } from 'node:crypto';
import { FlyballError, type Principal } from '@flyball/protocol';
import type { Identified, Presented, Received } from '../action/states.js';
import type { Clock } from '../lib/clock.js';
import { readDelegation } from './delegation.js';
import { type Registry, verifyStanding } from './registry.js';
import { type Issuer, trustDomainOf, type VerifiedToken, verifyToken } from './tokens.js';

const rememberMs = 30_000;
const rememberMost = 5_000;

/** The first question: who is acting, for whom, and is it still in good standing? */
export class Identification {
  readonly #verified = new Map<string, { readonly token: VerifiedToken; readonly untilMs: number }>();

  constructor(
    private readonly issuers: readonly Issuer[],
    private readonly registry: () => Registry,
    private readonly clock: Clock,
  ) {}

  async identify(received: Received): Promise<Identified> {
    const { principal, claims } = await this.#who(received.presented, received.tenant);
    return { ...received, principal, claims };
  }

  /** Who a caller is, outside of any attempt: for opening a session or a connection. */
  async #who(presented: Presented, tenant: string): Promise<Pick<Identified, 'principal' | 'claims'>> {
    switch (presented.kind) {
      case 'none':
        throw new FlyballError('unauthenticated', 'token refused: missing', { detail: 'no token was sent' });
      case 'stdio':
        return this.#fromStdio(presented.identity, tenant);
      case 'vouched':
        return this.#fromVouched(presented, tenant);
      case 'bearer':
        return this.#fromToken(await this.#verify(presented.token.reveal()), tenant);
    }
  }

  #fromStdio(id: string, tenant: string): Pick<Identified, 'principal' | 'claims'> {
    const identity = verifyStanding(this.registry().byId(id), id, this.clock.now());
    const principal: Principal = { tenant, identity, chain: [], method: 'stdio', expiresAtMs: Number.MAX_SAFE_INTEGER };
    return { principal, claims: { sub: id } };
  }

  #fromVouched(vouched: Extract<Presented, { readonly kind: 'vouched' }>, tenant: string): Pick<Identified, 'principal' | 'claims'> {
    // Throws for whatever only looks like it.
    vouched.isSealed();
    const { identity: id, onBehalfOf, chain } = vouched;
    const identity = verifyStanding(this.registry().byId(id), id, this.clock.now());
    const principal: Principal = { tenant, identity, ...(onBehalfOf !== undefined && { onBehalfOf }), chain, method: 'vouched', expiresAtMs: Number.MAX_SAFE_INTEGER };
    return { principal, claims: { sub: id } };
  }

  #fromToken(token: VerifiedToken, tenant: string): Pick<Identified, 'principal' | 'claims'> {
    const { actor, onBehalfOf, chain } = readDelegation(token.claims, token.subject, (who) => token.issuer.kind !== 'spiffe' || trustDomainOf(who) === token.issuer.trustDomain);
    const name = token.issuer.kind === 'spiffe' ? actor : `${token.issuer.issuer ?? ''}|${actor}`;
    const registered = this.registry().bySubject(name) ?? (token.issuer.kind === 'local' ? this.registry().byId(actor) : undefined);
    const identity = verifyStanding(registered, name, this.clock.now());
    const principal: Principal = { tenant, identity, ...(onBehalfOf !== undefined && { onBehalfOf }), chain, method: token.issuer.kind, expiresAtMs: token.expiresAtMs };
    return { principal, claims: token.claims };
  }

  /** A token's signature is checked once in thirty seconds; its expiry and its identity's standing every time. */
  async #verify(token: string): Promise<VerifiedToken> {
    const key = hash('sha256', token, 'base64');
    const now = this.clock.now();
    const known = this.#verified.get(key);
    if (known && known.untilMs > now && known.token.expiresAtMs > now) return known.token;
    const verified = await verifyToken(token, this.issuers, this.clock);
    if (this.#verified.size >= rememberMost) this.#verified.clear();
    this.#verified.set(key, { token: verified, untilMs: now + rememberMs });
    return verified;
  }
}
