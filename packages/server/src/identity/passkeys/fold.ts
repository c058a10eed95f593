import type { Entry } from '@flyball/protocol';

/** A key of a person with which they answer. */
export interface Passkey {
  /** Id of the entry that added it. */
  readonly id: string;
  readonly credential: string;
  /** COSE_Key, base64url. */
  readonly publicKey: string;
  /** What its authenticator counted to, as last seen; 0 for those that do not count. */
  readonly counter: number;
  readonly name: string;
  readonly transports: readonly string[];
  readonly addedAtMs: number;
}

export interface PasskeysState {
  readonly keys: readonly Passkey[];
}

/** What can be erased of a key: everything that leads to the device, so that nothing is left but that there was one. */
export interface PasskeyContent {
  readonly credential: string;
  readonly public_key: string;
  readonly counter: number;
  readonly name: string;
  readonly transports: readonly string[];
  readonly relying_party: string;
  readonly origin: string;
}

interface Erasable {
  readonly salt: string;
  readonly content: string;
}

export const passkeysStream = (ref: string): string => `authenticator:${ref}`;

/** A person's keys after one more entry of theirs. Pure. A key whose payload was erased verifies nothing any more. */
export function foldPasskeys(state: PasskeysState | undefined, entry: Entry, payload?: Erasable): PasskeysState {
  const keys = state?.keys ?? [];
  switch (entry.kind) {
    case 'authenticator.added':
      return { keys: payload ? [...keys, keyOf(entry, JSON.parse(payload.content) as PasskeyContent)] : keys };
    case 'authenticator.removed': {
      const { authenticator } = entry.body as { readonly authenticator: string };
      return { keys: keys.filter(({ id }) => id !== authenticator) };
    }
    default:
      return { keys: used(keys, entry.body as { readonly signature?: { readonly authenticator: string; readonly counter: number } }) };
  }
}

const keyOf = (entry: Entry, content: PasskeyContent): Passkey => ({ id: entry.id, credential: content.credential, publicKey: content.public_key, counter: content.counter, name: content.name, transports: content.transports, addedAtMs: entry.at });

/** An answer that was signed stands in its key's stream too, so that the counter is the same on every node. */
const used = (keys: readonly Passkey[], { signature }: { readonly signature?: { readonly authenticator: string; readonly counter: number } }): readonly Passkey[] =>
  signature === undefined ? keys : keys.map((key) => (key.id === signature.authenticator ? { ...key, counter: Math.max(key.counter, signature.counter) } : key));
