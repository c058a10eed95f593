import { createPublicKey, type KeyObject, sign } from 'node:crypto';
import { type Entry, FlyballError } from '@flyball/protocol';
import { formatVerifierKey, keyIdOf, parseVerifierKey, type Signer, type Verifier } from '@flyball/tlog';
import { parseKey, readKey, readOrMakeKey } from '../../lib/ed25519-key.js';
import type { Secret } from '../../lib/secret.js';
import type { Draft } from '../draft.js';

const ed25519 = 0x01;
const rawKeyBytes = 32;

/** Keys of a log by their C2SP verifier keys: the history that the log itself tells. */
export type KeyHistory = Readonly<Record<string, 'active' | 'retired'>>;

const keyStream = 'log:keys';

export function foldKeys(state: KeyHistory | undefined, entry: Entry): KeyHistory {
  const { key, status } = entry.body as { readonly key: string; readonly status: 'active' | 'retired' };
  return { ...state, [key]: status };
}

/** Keys that still sign. */
export const activeKeysIn = (history: Readonly<Record<string, string>>): readonly string[] => Object.keys(history).filter((key) => history[key] === 'active');

export interface KeySources {
  /** Files with one PKCS#8 key each, in PEM. */
  readonly files: readonly string[];
  /** PEM of one key or of several, one after the other. */
  readonly secret?: Secret | undefined;
  /** Made when there is no other key and no such file. */
  readonly fallback: string;
}

/** The private keys that this node signs with. Throws `config_invalid` for what is no Ed25519 key. */
export function loadKeys({ files, secret, fallback }: KeySources): readonly KeyObject[] {
  const kept = secret?.reveal().match(/-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/g) ?? [];
  if (secret && kept.length === 0) throw new FlyballError('config_invalid', 'expected a PKCS#8 private key in PEM in the variable of `log.keys_from_env`');
  const keys = [...files.map((file) => readKey(file)), ...kept.map((pem) => parseKey(pem, 'the variable of `log.keys_from_env`'))];
  return keys.length > 0 ? keys : [readOrMakeKey(fallback)];
}

/** A key that signs for the log, by the log's origin. */
export interface LogSigner extends Signer {
  readonly vkey: string;
}

export function signerOf(key: KeyObject, origin: string): LogSigner {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const publicKey = new Uint8Array(spki.subarray(-rawKeyBytes));
  return { name: origin, keyId: keyIdOf(origin, ed25519, publicKey), vkey: formatVerifierKey(origin, publicKey), sign: (message) => new Uint8Array(sign(null, message, key)) };
}

/** What the keys need of the record. */
export interface KeyRecord {
  read(stream: string): Promise<{ readonly version: number; readonly state: KeyHistory | undefined }>;
  append(draft: Draft): Promise<Entry | undefined>;
}

/** The log's keys: those that this node has, and the history of all. While two are active, both sign: whoever trusts either one can go on. */
export class LogKeys {
  #history: KeyHistory = {};

  constructor(
    private readonly signers: readonly LogSigner[],
    private readonly record: KeyRecord,
  ) {}

  get history(): KeyHistory {
    return this.#history;
  }

  /** Keys that a checkpoint of this log may be signed with. */
  get verifiers(): readonly Verifier[] {
    return [...new Set([...Object.keys(this.#history), ...this.signers.map(({ vkey }) => vkey)])].map(parseVerifierKey);
  }

  /** This node's keys that are not retired. Throws `config_invalid` when there is none. */
  get active(): readonly LogSigner[] {
    const active = this.signers.filter(({ vkey }) => this.#history[vkey] === 'active');
    if (active.length === 0) throw new FlyballError('config_invalid', `expected a key that signs for this log; its active ones are ${activeKeysIn(this.#history).join(', ') || 'none'}`);
    return active;
  }

  /** Reads the history and publishes keys that are new in it. Somebody with none of the active keys adds none. */
  async publish(): Promise<void> {
    for (const signer of this.signers) {
      const { version, state } = await this.record.read(keyStream);
      this.#history = state ?? {};
      if (Object.hasOwn(this.#history, signer.vkey)) continue;
      if (version > 0 && !this.signers.some(({ vkey }) => this.#history[vkey] === 'active')) break;
      await this.#set(signer.vkey, 'active', version);
    }
    await this.refresh();
    void this.active;
  }

  async retire(vkey: string): Promise<void> {
    const { version, state } = await this.record.read(keyStream);
    if (state?.[vkey] !== 'active') throw new FlyballError('not_found', 'no such active key; `flyball log status` lists them');
    const left = this.signers.filter((signer) => signer.vkey !== vkey && state[signer.vkey] === 'active');
    if (left.length === 0) throw new FlyballError('usage', 'this is the only key that this node can sign with; add another one first');
    await this.#set(vkey, 'retired', version);
    await this.refresh();
  }

  async refresh(): Promise<void> {
    this.#history = (await this.record.read(keyStream)).state ?? {};
  }

  async #set(key: string, status: 'active' | 'retired', expected: number): Promise<void> {
    const written = await this.record.append({ kind: 'log.key', streams: [{ stream: keyStream, expected }], body: { key, status } });
    if (!written) throw new FlyballError('conflict', 'another node changed the keys at the same moment; try again');
  }
}
