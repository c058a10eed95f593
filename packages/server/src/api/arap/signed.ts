import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { isObject, type JsonObject } from '@flyball/protocol';
import { compactVerify, SignJWT } from 'jose';
import { limits } from '../../lib/limits.js';

const algorithm = 'EdDSA';

/** Each signed value says what it is, so that none passes for another, nor for an access token (RFC 8725, section 3.11). */
export type SignedKind = 'flyball-denial+jwt' | 'flyball-approval+jwt';

/** What this installation signs for itself: denials that can be asked about, and approvals. */
export class Signed {
  readonly #public: KeyObject;
  readonly #kid: string;

  /** @param key the installation's own; its public part is what `jwks_uri` publishes */
  constructor(private readonly key: KeyObject) {
    this.#public = createPublicKey(key);
    const { kty, crv, x } = this.#public.export({ format: 'jwk' });
    this.#kid = createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
  }

  sign(kind: SignedKind, claims: JsonObject): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: this.#kid, typ: kind }).sign(this.key);
  }

  /**
   * The claims of a value that was signed here, as this kind, for this recipient; nothing for any other. Its times are for
   * the caller to look at. Keys that it brings along are not looked at.
   */
  async verify(kind: SignedKind, jws: unknown, audience: string, issuer: string): Promise<JsonObject | undefined> {
    if (typeof jws !== 'string' || jws.length > limits.evaluationBytesMax) return undefined;
    try {
      const { payload, protectedHeader } = await compactVerify(jws, this.#public, { algorithms: [algorithm] });
      const claims: unknown = JSON.parse(new TextDecoder().decode(payload));
      if (protectedHeader.typ !== kind || !isObject(claims)) return undefined;
      const recipients = [claims['aud']].flat();
      return recipients.includes(audience) && claims['iss'] === issuer ? claims : undefined;
    } catch {
      return undefined;
    }
  }
}
