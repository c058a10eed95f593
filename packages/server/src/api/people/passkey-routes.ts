import { FlyballError } from '@flyball/protocol';
import type { Context } from 'hono';
import { z } from 'zod';
import type { Passkeys } from '../../identity/index.js';
import type { Clock } from '../../lib/clock.js';
import { body, type Env, part, type Route } from '../route.js';

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/).max(16_384);

const registration = z.object({
  id: base64url,
  rawId: base64url,
  type: z.literal('public-key'),
  response: z.object({ clientDataJSON: base64url, attestationObject: base64url, transports: z.array(z.enum(['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'])).max(8).default([]) }),
});

const addBody = z.strictObject({ name: z.string().trim().min(1).max(64), credential: registration });

/** A person's own passkeys. A new one needs a sign-in of just now: a browser that somebody left open must not become a key for good. */
export const passkeyRoutes = (passkeys: Passkeys, clock: Clock): readonly Route[] => [
  {
    method: 'GET',
    path: '/v1/passkeys',
    right: 'keys',
    answer: async (c) => c.json((await passkeys.list(c.get('caller').person)).map(({ id, name, addedAtMs, transports }) => ({ id, name, added: addedAtMs, transports }))),
  },
  { method: 'POST', path: '/v1/passkeys/begin', right: 'keys', answer: async (c) => c.json(await passkeys.beginAdding(fresh(c, clock))) },
  {
    method: 'POST',
    path: '/v1/passkeys',
    right: 'keys',
    answer: async (c) => {
      const person = fresh(c, clock);
      const { name, credential } = await body(c, addBody);
      return c.json({ id: (await passkeys.add(person, name, { ...credential, clientExtensionResults: {} })).id });
    },
  },
  { method: 'DELETE', path: '/v1/passkeys/:id', right: 'keys', answer: async (c) => c.json({ removed: (await passkeys.remove(c.get('caller').person, part(c, 'id'))).id }) },
];

function fresh(c: Context<Env>, clock: Clock): string {
  const { person, visit } = c.get('caller');
  if (visit === undefined || visit.freshUntilMs <= clock.now()) throw new FlyballError('unauthenticated', 'adding a passkey needs a sign-in of the last minutes; sign in again');
  return person;
}
