import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import type { RegistrationResponseJSON } from '@simplewebauthn/server';

/** A CBOR head, byte string, text and whole number: as much as an authenticator writes. */
const head = (type: number, size: number): Buffer => (size < 24 ? Buffer.from([(type << 5) | size]) : size < 256 ? Buffer.from([(type << 5) | 24, size]) : Buffer.from([(type << 5) | 25, size >> 8, size & 255]));
const bytes = (value: Uint8Array): Buffer => Buffer.concat([head(2, value.length), value]);
const text = (value: string): Buffer => Buffer.concat([head(3, value.length), Buffer.from(value)]);
const whole = (value: number): Buffer => (value >= 0 ? head(0, value) : head(1, -1 - value));

const b64 = (value: Uint8Array): string => Buffer.from(value).toString('base64url');
const sha256 = (value: Uint8Array | string): Buffer => createHash('sha256').update(value).digest();

export interface SigningTerms {
  readonly origin?: string;
  readonly relyingParty?: string;
  readonly userVerified?: boolean;
  readonly counter?: number;
  readonly type?: string;
  readonly crossOrigin?: boolean;
  readonly credential?: string;
}

/** An authenticator in software: it signs whatever it is told to, also what a real one would not. */
export class SoftAuthenticator {
  readonly id = randomBytes(16);
  readonly #key: KeyObject;
  readonly #cose: Buffer;
  counter = 0;

  constructor(
    private readonly origin: string,
    private readonly relyingParty: string,
    algorithm: 'ES256' | 'EdDSA' | 'RS256' = 'ES256',
  ) {
    const made = { ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }), EdDSA: () => generateKeyPairSync('ed25519'), RS256: () => generateKeyPairSync('rsa', { modulusLength: 2_048 }) }[algorithm]();
    this.#key = made.privateKey;
    const jwk = made.publicKey.export({ format: 'jwk' });
    const part = (name: 'x' | 'y' | 'n' | 'e') => bytes(Buffer.from(jwk[name] ?? '', 'base64url'));
    const members = {
      ES256: [whole(1), whole(2), whole(3), whole(-7), whole(-1), whole(1), whole(-2), part('x'), whole(-3), part('y')],
      EdDSA: [whole(1), whole(1), whole(3), whole(-8), whole(-1), whole(6), whole(-2), part('x')],
      RS256: [whole(1), whole(3), whole(3), whole(-257), whole(-1), part('n'), whole(-2), part('e')],
    }[algorithm];
    this.#cose = Buffer.concat([head(5, members.length / 2), ...members]);
  }

  register(challenge: string, terms: SigningTerms = {}): RegistrationResponseJSON {
    const data = Buffer.concat([this.#data(terms, 0x40), Buffer.alloc(16), Buffer.from([0, this.id.length]), this.id, this.#cose]);
    const attestation = Buffer.concat([head(5, 3), text('fmt'), text('none'), text('attStmt'), head(5, 0), text('authData'), bytes(data)]);
    return { id: b64(this.id), rawId: b64(this.id), type: 'public-key', clientExtensionResults: {}, response: { clientDataJSON: b64(this.#client(challenge, { type: 'webauthn.create', ...terms })), attestationObject: b64(attestation), transports: ['internal'] } };
  }

  assert(challenge: string, terms: SigningTerms = {}) {
    const client = this.#client(challenge, terms);
    const data = this.#data(terms, 0);
    const message = Buffer.concat([data, sha256(client)]);
    const signature = sign(this.#key.asymmetricKeyType === 'ed25519' ? null : 'sha256', message, this.#key);
    const id = terms.credential ?? b64(this.id);
    return { id, rawId: id, type: 'public-key' as const, response: { clientDataJSON: b64(client), authenticatorData: b64(data), signature: b64(signature) } };
  }

  #client(challenge: string, { type = 'webauthn.get', origin = this.origin, crossOrigin = false }: SigningTerms): Buffer {
    return Buffer.from(JSON.stringify({ type, challenge, origin, crossOrigin }));
  }

  #data({ relyingParty = this.relyingParty, userVerified = true, counter = ++this.counter }: SigningTerms, flags: number): Buffer {
    const count = Buffer.alloc(4);
    count.writeUInt32BE(counter);
    return Buffer.concat([sha256(relyingParty), Buffer.from([flags | 1 | (userVerified ? 4 : 0)]), count]);
  }
}
