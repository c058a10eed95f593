import { FlyballError } from '@flyball/protocol';
import { z } from 'zod';
import type { Passkeys } from '../../identity/index.js';
import { body, mayAsk, part, type Route } from '../route.js';
import type { ApproverDesk } from './approver-desk.js';

const digest = z.string().max(128);
const narrowing = z.strictObject({ caps: z.record(z.string().max(256), z.number()).optional(), untilMs: z.number().int().optional() });

/** Bounds of a standing approval that somebody gives with their answer. */
const standing = z.strictObject({ count: z.number().int(), withinMs: z.number().int(), sum: z.strictObject({ argument: z.string().max(256), most: z.number() }).optional() }).transform(({ sum, ...bounds }) => ({ ...bounds, ...(sum && { sum }) }));

const answerBody = z.strictObject({
  agrees: z.boolean(),
  reason: z.string().max(2_000).default(''),
  seen: digest.optional(),
  evidence: z.array(z.strictObject({ kind: z.string().max(64), value: z.json() })).max(50).optional(),
  narrow: narrowing.optional(),
  standing: standing.optional(),
  signature: z.record(z.string(), z.json()).optional(),
});
const challengeBody = z.strictObject({ agrees: z.boolean(), seen: digest, narrow: narrowing.optional() });

/** What waits for a person, one question, and their answer to it. */
export const questionRoutes = (desk: ApproverDesk, passkeys: Passkeys | undefined): readonly Route[] => [
  { method: 'GET', path: '/v1/inbox', right: 'person', answer: async (c) => c.json(await desk.inbox(c.get('caller').person, c.req.query('after'))) },
  { method: 'GET', path: '/v1/questions/:id', right: 'person', answer: async (c) => c.json(await desk.question(part(c, 'id'), c.get('caller').person, mayAsk.reads(c.get('caller')))) },
  {
    method: 'POST',
    path: '/v1/holds/:id/answer',
    right: 'answers',
    answer: async (c) => c.json(await desk.answer({ ...(await body(c, answerBody)), hold: part(c, 'id'), person: c.get('caller').person })),
  },
  {
    method: 'POST',
    path: '/v1/holds/:id/challenge',
    right: 'keys',
    answer: async (c) => {
      const { agrees, seen, narrow } = await body(c, challengeBody);
      const { person } = c.get('caller');
      const { hold, digest: attempt, preview } = await desk.question(part(c, 'id'), person, false);
      if (preview.digest !== seen) throw new FlyballError('conflict', 'the question is not as you saw it; look at it again');
      if (!passkeys) throw new FlyballError('approval_refused', 'nobody can sign here: `sign_in` is not configured');
      return c.json(await passkeys.ask(person, { hold, digest: attempt, seen, agrees, narrow }));
    },
  },
];
