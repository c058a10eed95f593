import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import type { JsonObject } from '@flyball/protocol';
import { SignJWT } from 'jose';
import { obligationType, paths } from './versions.js';

/** How long metadata may be kept by who reads it. */
export const metadataMaxAgeSeconds = 300;

const algorithm = 'EdDSA';

/** Members that a profile adds to the metadata; the base is where its endpoints are. */
export type MetadataPart = (base: string) => JsonObject;

/** Policy Decision Point metadata (API 1.0, section 9), plain and signed with the installation's own key. */
export class Metadata {
  readonly #jwk: JsonObject;
  readonly #signed = new Map<string, Promise<string>>();

  constructor(
    private readonly key: KeyObject,
    private readonly parts: readonly MetadataPart[] = [],
  ) {
    const { kty, crv, x } = createPublicKey(key).export({ format: 'jwk' });
    // RFC 7638: a key's id is the thumbprint of its required members.
    const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url');
    this.#jwk = { kty, crv, x, kid, alg: algorithm, use: 'sig' } as JsonObject;
  }

  /** The keys by which what is signed here is verified. */
  get keys(): JsonObject {
    return { keys: [this.#jwk] };
  }

  /**
   * @param origin scheme and authority under which machines know this server
   * @param tenant path of the decision point, where it has one: `/acme`
   */
  async of(origin: string, tenant: string): Promise<JsonObject> {
    const base = `${origin}${tenant}`;
    const plain: JsonObject = {
      policy_decision_point: base,
      access_evaluation_endpoint: base + paths.evaluation,
      access_evaluations_endpoint: base + paths.evaluations,
      search_subject_endpoint: base + paths.searchSubject,
      search_resource_endpoint: base + paths.searchResource,
      search_action_endpoint: base + paths.searchAction,
      supported_obligations: [obligationType],
      jwks_uri: origin + paths.keys,
      ...this.parts.reduce<JsonObject>((sum, part) => ({ ...sum, ...part(base) }), {}),
    };
    return { ...plain, signed_metadata: await this.#sign(base, plain) };
  }

  /** Signed once for each base: what it says does not change while the server runs. */
  #sign(base: string, plain: JsonObject): Promise<string> {
    const known = this.#signed.get(base);
    if (known) return known;
    const signing = this.sign({ ...plain, iss: base });
    this.#signed.set(base, signing);
    return signing;
  }

  /** A JWS by the installation's key, for whoever reads `jwks_uri`. */
  sign(claims: JsonObject): Promise<string> {
    return new SignJWT(claims).setProtectedHeader({ alg: algorithm, kid: String(this.#jwk['kid']), typ: 'JWT' }).sign(this.key);
  }
}
