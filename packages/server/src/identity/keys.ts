import { FlyballError, isObject } from '@flyball/protocol';
import { importJWK, type CryptoKey, type JWK } from 'jose';
import type { Clock } from '../lib/clock.js';
import { limits } from '../lib/limits.js';
import { keyTypes } from './config.js';

/** Finds the public key that a token's header names. */
export interface KeySource {
  find(kid: string | undefined, alg: string): Promise<CryptoKey | Uint8Array>;
}

interface Cached {
  readonly keys: readonly JWK[];
  readonly fetchedAtMs: number;
}

const refetchMs = 10_000;
const freshMs = 10 * 60_000;
const staleMaxMs = 60 * 60_000;

/**
 * A key set that is fetched when needed, at most once in ten seconds whatever tokens ask for (an unknown
 * `kid` is a stranger's choice), and used for an hour at most when it can no longer be fetched.
 */
export class KeySet implements KeySource {
  #cached: Cached | undefined;
  #fetching: Promise<Cached | undefined> | undefined;
  #triedAtMs = -Infinity;

  constructor(
    private readonly fetchKeys: () => Promise<unknown>,
    private readonly clock: Clock,
    private readonly suits: (key: JWK, alg: string) => boolean,
  ) {}

  async find(kid: string | undefined, alg: string): Promise<CryptoKey | Uint8Array> {
    const age = this.clock.now() - (this.#cached?.fetchedAtMs ?? -Infinity);
    if (age > freshMs) await this.#refetch();
    const found = this.#pick(kid, alg) ?? ((await this.#refetch()) && this.#pick(kid, alg));
    if (!found) throw new FlyballError('unauthenticated', 'token refused: key', { detail: this.#usable().length > 0 ? 'no key for this token' : 'the keys are unavailable or too old' });
    return importJWK(found, alg);
  }

  #pick(kid: string | undefined, alg: string): JWK | undefined {
    const suitable = this.#usable().filter((key) => this.suits(key, alg));
    if (kid !== undefined) return suitable.find((key) => key.kid === kid);
    return suitable.length === 1 ? suitable[0] : undefined;
  }

  #usable(): readonly JWK[] {
    if (!this.#cached || this.clock.now() - this.#cached.fetchedAtMs > staleMaxMs) return [];
    return this.#cached.keys;
  }

  async #refetch(): Promise<boolean> {
    if (!this.#fetching && this.clock.now() - this.#triedAtMs < refetchMs) return false;
    this.#triedAtMs = this.clock.now();
    this.#fetching ??= this.#fetch();
    try {
      this.#cached = (await this.#fetching) ?? this.#cached;
      return true;
    } finally {
      this.#fetching = undefined;
    }
  }

  async #fetch(): Promise<Cached | undefined> {
    try {
      return { keys: parseKeySet(await this.fetchKeys()), fetchedAtMs: this.clock.now() };
    } catch {
      // The old keys serve on until they are too old; without any, every token is refused.
      return undefined;
    }
  }
}

function parseKeySet(document: unknown): readonly JWK[] {
  const keys = isObject(document) ? document['keys'] : undefined;
  if (!Array.isArray(keys) || keys.length > limits.jwksKeysMax) throw new FlyballError('config_invalid', `expected a JWK set of at most ${limits.jwksKeysMax} keys`);
  return keys.filter(isObject).filter((key) => typeof key['kty'] === 'string') as unknown as JWK[];
}

/** A key may verify a token only with an algorithm of its own type and, where it says so, of its own choice. */
export function keySuits(key: JWK, alg: string, use: string): boolean {
  return key.kty === keyTypes[alg] && (key.alg === undefined || key.alg === alg) && (key.use === undefined || key.use === use);
}
