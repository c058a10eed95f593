import { FlyballError } from '@flyball/protocol';
import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import { z } from 'zod';
import type { Passkey } from './fold.js';
import { webauthn } from './webauthn.js';

/** What is kept of a signature: with the question and the key's entry, all that it takes to verify it again. Base64url. */
export type SignatureProof = Readonly<Record<'nonce' | 'credential' | 'client_data' | 'authenticator_data' | 'signature', string>>;

const base64url = z.string().regex(/^[A-Za-z0-9_-]*$/).max(16_384);

/** What a browser's authenticator made of a challenge, and the nonce that was in it. */
const assertionDocument = z.object({
  nonce: z.string().max(64),
  response: z.object({ id: base64url, rawId: base64url, type: z.literal('public-key'), response: z.object({ clientDataJSON: base64url, authenticatorData: base64url, signature: base64url }) }),
});

export interface Assertion {
  readonly nonce: string;
  readonly response: AuthenticationResponseJSON;
}

/** Reads what a page sent. Throws `request_malformed`. */
export function parseAssertion(value: unknown): Assertion {
  const checked = assertionDocument.safeParse(value);
  if (!checked.success) throw new FlyballError('request_malformed', 'expected a signature as the page of a question makes it');
  const { nonce, response } = checked.data;
  return { nonce, response: { ...response, clientExtensionResults: {} } };
}

export interface AssertionTerms {
  readonly challenge: string;
  readonly nonce: string;
  readonly key: Passkey;
  readonly party: { readonly origin: string; readonly id: string };
}

/** Verifies an assertion (Web Authentication Level 3, section 7.2): challenge, origin, relying party, user verification, signature, counter. */
export async function verifyAssertion(response: AuthenticationResponseJSON, { challenge, nonce, key, party }: AssertionTerms): Promise<{ readonly counter: number; readonly proof: SignatureProof }> {
  const { clientDataJSON, authenticatorData, signature } = response.response;
  const credential = { id: key.credential, publicKey: new Uint8Array(Buffer.from(key.publicKey, 'base64url')), counter: key.counter };
  const { verifyAuthenticationResponse } = await webauthn();
  const verified = await verifyAuthenticationResponse({ response, expectedChallenge: challenge, expectedOrigin: party.origin, expectedRPID: party.id, credential, requireUserVerification: true }).catch((cause: unknown) => {
    throw refused(cause);
  });
  if (!verified.verified || isFramed(clientDataJSON)) throw refused();
  return { counter: verified.authenticationInfo.newCounter, proof: { nonce, credential: key.credential, client_data: clientDataJSON, authenticator_data: authenticatorData, signature } };
}

/** The pages are never shown inside of another page, so a signature that was made there was made for somebody else's eyes. */
const isFramed = (clientData: string): boolean => (JSON.parse(Buffer.from(clientData, 'base64url').toString('utf8')) as { readonly crossOrigin?: unknown }).crossOrigin === true;

const refused = (cause?: unknown) => new FlyballError('approval_refused', 'this signature is not for this answer, or not by a person who proved to be there; sign again', { cause, detail: cause instanceof Error ? cause.message : 'framed' });
