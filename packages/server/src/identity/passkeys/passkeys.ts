import { type Entry, FlyballError } from '@flyball/protocol';
import type { PublicKeyCredentialCreationOptionsJSON, PublicKeyCredentialRequestOptionsJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import type { Clock } from '../../lib/clock.js';
import { randomSalt } from '../../lib/ids.js';
import { type Passkey, passkeysStream, type PasskeyContent, type PasskeysState } from './fold.js';
import { Nonces } from './nonces.js';
import { parseAssertion, type SignatureProof, verifyAssertion } from './assertion.js';
import { challengeOf, type Statement } from './statement.js';
import { webauthn } from './webauthn.js';

/** What passkeys need of the record. */
export interface PasskeyRecord {
  append(draft: {
    readonly kind: 'authenticator.added' | 'authenticator.removed';
    readonly streams: readonly { readonly stream: string; readonly expected?: number }[];
    readonly body: unknown;
    readonly payload?: { readonly salt: string; readonly content: string };
  }): Promise<Entry | undefined>;
  read(stream: string): Promise<{ readonly version: number; readonly state: PasskeysState | undefined }>;
  refOf(person: string): Promise<string>;
}

/** Where keys are good: the pages' origin, and its host, which browsers bind a key to. */
export interface RelyingParty {
  readonly origin: string;
  readonly id: string;
}

/** An answer's signature, verified: what its entry says of it, and what can be erased beside it. */
export interface SignatureEvidence {
  /** The answer's entry takes this place as well, so that a counter is used once, whichever node it comes to. */
  readonly place: { readonly stream: string; readonly expected: number };
  readonly body: { readonly method: 'webauthn'; readonly authenticator: string; readonly counter: number };
  readonly payload: SignatureProof;
}

const keysMost = 10;
const promptMs = 60_000;
/** EdDSA, ES256, RS256 (COSE): what an auditor's tools of today can verify. */
const algorithms = [-8, -7, -257];

/** People's passkeys, and answers that are signed with them. State is a fold over `authenticator:` streams. */
export class Passkeys {
  readonly #nonces: Nonces;

  constructor(
    private readonly record: PasskeyRecord,
    private readonly party: RelyingParty,
    clock: Clock,
  ) {
    this.#nonces = new Nonces(clock);
  }

  async list(person: string): Promise<readonly Passkey[]> {
    const { state } = await this.record.read(passkeysStream(await this.record.refOf(person)));
    return state?.keys ?? [];
  }

  async beginAdding(person: string): Promise<PublicKeyCredentialCreationOptionsJSON> {
    const ref = await this.record.refOf(person);
    const keys = await this.list(person);
    if (keys.length >= keysMost) throw new FlyballError('overloaded', `expected at most ${keysMost} passkeys; remove one first`);
    return (await webauthn()).generateRegistrationOptions({
      rpName: 'Flyball',
      rpID: this.party.id,
      userName: person,
      userDisplayName: person,
      // A handle that says nothing of the person to whoever holds the device.
      userID: new Uint8Array(Buffer.from(ref.slice('person:'.length), 'hex')),
      challenge: new Uint8Array(Buffer.from(this.#nonces.issue(person, 'add'))),
      timeout: promptMs,
      attestationType: 'none',
      excludeCredentials: keys.map(({ credential }) => ({ id: credential })),
      authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
      supportedAlgorithmIDs: algorithms,
    });
  }

  /** Adds the key that an authenticator made for a challenge of `beginAdding`. Throws `approval_refused`. */
  async add(person: string, name: string, response: RegistrationResponseJSON): Promise<Entry> {
    const { origin, id: relyingParty } = this.party;
    const { verifyRegistrationResponse } = await webauthn();
    const redeem = (challenge: string) => this.#nonces.redeem(Buffer.from(challenge, 'base64url').toString('utf8'), person, 'add');
    const verified = await verifyRegistrationResponse({ response, expectedChallenge: redeem, expectedOrigin: origin, expectedRPID: relyingParty, requireUserVerification: true, supportedAlgorithmIDs: algorithms }).catch((cause: unknown) => {
      throw refused('this passkey was not made for this page and this moment', cause);
    });
    if (!verified.verified) throw refused('this passkey was not made for this page and this moment');
    const { id: credential, publicKey, counter, transports = [] } = verified.registrationInfo.credential;
    const content: PasskeyContent = { credential, public_key: Buffer.from(publicKey).toString('base64url'), counter, name, transports: transports.slice(0, 8).map((word) => String(word).slice(0, 32)), relying_party: relyingParty, origin };
    return this.#append(person, (ref, keys) => {
      if (keys.length >= keysMost || keys.some((key) => key.credential === credential)) throw refused('this passkey is there already, or there are too many');
      return { kind: 'authenticator.added', body: { person: ref }, payload: { salt: randomSalt(), content: JSON.stringify(content) } };
    });
  }

  remove(person: string, id: string): Promise<Entry> {
    return this.#append(person, (ref, keys) => {
      if (!keys.some((key) => key.id === id)) throw new FlyballError('not_found', 'no such passkey of yours');
      return { kind: 'authenticator.removed', body: { person: ref, authenticator: id } };
    });
  }

  /** What a browser shows to a person's authenticator, so that it signs this answer and no other. Throws `approval_refused` when they have no key. */
  async ask(person: string, statement: Statement): Promise<{ readonly nonce: string; readonly options: PublicKeyCredentialRequestOptionsJSON }> {
    const keys = await this.list(person);
    if (keys.length === 0) throw refused('this question is answered with a passkey, and you have none; add one first');
    const nonce = this.#nonces.issue(person, purposeOf(statement));
    const challenge = new Uint8Array(Buffer.from(challengeOf(statement, nonce), 'base64url'));
    const allowCredentials = keys.map(({ credential }) => ({ id: credential }));
    const { generateAuthenticationOptions } = await webauthn();
    return { nonce, options: await generateAuthenticationOptions({ rpID: this.party.id, challenge, allowCredentials, userVerification: 'required', timeout: promptMs }) };
  }

  /** Verifies that this person's key signed exactly this answer, once. Throws `approval_refused`. */
  async verify({ person, ...statement }: Statement & { readonly person: string }, assertion: unknown): Promise<SignatureEvidence> {
    const { nonce, response } = parseAssertion(assertion);
    if (!this.#nonces.redeem(nonce, person, purposeOf(statement))) throw refused('this signature is for another answer, was used, or came too late; sign again');
    const stream = passkeysStream(await this.record.refOf(person));
    const { version, state } = await this.record.read(stream);
    const key = state?.keys.find(({ credential }) => credential === response.id);
    if (!key) throw refused('this is no passkey of yours');
    const { counter, proof } = await verifyAssertion(response, { challenge: challengeOf(statement, nonce), nonce, key, party: this.party });
    return { place: { stream, expected: version }, body: { method: 'webauthn', authenticator: key.id, counter }, payload: proof };
  }

  async #append(person: string, draft: (ref: string, keys: readonly Passkey[]) => Omit<Parameters<PasskeyRecord['append']>[0], 'streams'>): Promise<Entry> {
    const ref = await this.record.refOf(person);
    const stream = passkeysStream(ref);
    const { version, state } = await this.record.read(stream);
    const entry = await this.record.append({ ...draft(ref, state?.keys ?? []), streams: [{ stream, expected: version }] });
    if (!entry) throw new FlyballError('conflict', 'your passkeys changed meanwhile; try again');
    return entry;
  }
}

/** A nonce that was given out for one answer verifies no other, whatever is signed with it. */
const purposeOf = (statement: Statement): string => challengeOf(statement, '');

const refused = (message: string, cause?: unknown) => new FlyballError('approval_refused', message, { cause });
