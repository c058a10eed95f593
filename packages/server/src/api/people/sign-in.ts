import { FlyballError } from '@flyball/protocol';
import type { Expected, Proven } from '../../identity/index.js';
import type { Clock } from '../../lib/clock.js';
import { randomHandle } from '../../lib/ids.js';
import { freshMs, type Visit, Visits } from './visits.js';

export const beginningMs = 10 * 60_000;
const beginningsMost = 20_000;

/** What sign-in needs of the provider, of people.yaml and of the record. */
export interface SignInParts {
  readonly provider: {
    begin(maxAgeSeconds?: number): Promise<{ readonly url: string; readonly expected: Expected }>;
    finish(query: string, expected: Expected): Promise<Proven>;
  };
  /** The id of the person in the active people.yaml. Throws `identity_refused` when they are nobody there. */
  recognise(proven: Proven): string;
  /** Records that a person signed in; durable when it resolves. */
  record(person: string, proven: Proven): Promise<void>;
  readonly clock: Clock;
}

interface Beginning {
  readonly expected: Expected;
  readonly returnTo: string;
  readonly untilMs: number;
}

/** From a browser that is nobody's to a visit of a person. */
export class SignIn {
  readonly #visits: Visits;
  readonly #beginnings = new Map<string, Beginning>();

  constructor(private readonly parts: SignInParts) {
    this.#visits = new Visits(parts.clock);
  }

  /** @returns where to send the browser, and a handle that binds the answer to it: an answer that somebody else's browser was given is no use in this one */
  async begin(returnTo: string, fresh: boolean): Promise<{ readonly url: string; readonly handle: string }> {
    const { url, expected } = await this.parts.provider.begin(fresh ? freshMs / 1000 : undefined);
    const handle = randomHandle();
    this.#trim();
    this.#beginnings.set(handle, { expected, returnTo: pagePath(returnTo), untilMs: this.parts.clock.now() + beginningMs });
    return { url, handle };
  }

  /** Every beginning is good for one answer, right or wrong. */
  async finish(handle: string, query: string): Promise<{ readonly handle: string; readonly returnTo: string }> {
    const beginning = this.#beginnings.get(handle);
    this.#beginnings.delete(handle);
    if (!beginning || beginning.untilMs <= this.parts.clock.now()) throw new FlyballError('unauthenticated', 'this sign-in was not begun in this browser, or too long ago; begin again');
    const proven = await this.parts.provider.finish(query, beginning.expected);
    const person = this.parts.recognise(proven);
    await this.parts.record(person, proven);
    return { handle: this.#visits.open(person, proven), returnTo: beginning.returnTo };
  }

  /** The visit of a handle, if its person is still the same one in people.yaml. */
  find(handle: string, byItself = false): Visit | undefined {
    const visit = this.#visits.find(handle, byItself);
    if (!visit) return undefined;
    try {
      if (this.parts.recognise(visit.proven) === visit.person) return visit;
    } catch (error) {
      if (!(error instanceof FlyballError)) throw error;
    }
    this.#visits.end(handle);
    return undefined;
  }

  end(handle: string): void {
    this.#visits.end(handle);
  }

  #trim(): void {
    const now = this.parts.clock.now();
    for (const [handle, { untilMs }] of this.#beginnings) {
      if (untilMs > now && this.#beginnings.size < beginningsMost) break;
      this.#beginnings.delete(handle);
    }
  }
}

/** Nobody is sent anywhere but to a page of our own after signing in. */
const pagePath = (path: string): string => (/^\/(?:passkeys|holds\/[0-9a-f-]{36})?$/.test(path) ? path : '/');
