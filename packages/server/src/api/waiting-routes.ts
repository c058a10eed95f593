import { z } from 'zod';
import { limits } from '../lib/limits.js';
import { body, mayAsk, part, type Route } from './route.js';
import type { WaitingDesk } from './waiting-desk.js';

const text = z.string().min(1).max(2_000);
const evidence = z.array(z.strictObject({ kind: z.string().max(64), value: z.json() })).max(limits.evidencePerHoldMax).optional();
const answersBody = z.strictObject({ holds: z.array(z.string().max(64)).min(1).max(limits.batchAnswersMax), agrees: z.boolean(), reason: z.string().max(2_000).default(''), evidence, seen: z.record(z.string().max(64), z.string().max(128)).optional() });
const delegationBody = z.strictObject({ to: z.string().min(1).max(512), groups: z.array(z.string().min(1).max(128)).min(1).max(50), until: z.iso.datetime({ offset: true }) });
const emergencyBody = z.strictObject({ incident: text, reason: text, identity: z.string().min(1).max(256).default('*'), action: z.string().min(1).max(256).default('*'), for_seconds: z.number().int().min(1).optional() });
const reviewBody = z.strictObject({ finding: z.string().min(1).max(4_000) });

/** Answers to several questions at once, questions taken back, and consent that was given beforehand. */
export const waitingRoutes = (desk: WaitingDesk): readonly Route[] => [
  { method: 'POST', path: '/v1/holds/answers', right: 'answers', answer: async (c) => c.json(await desk.answerAll({ ...(await body(c, answersBody)), person: c.get('caller').person })) },
  { method: 'POST', path: '/v1/holds/:id/cancel', right: 'administers', answer: async (c) => c.json(await desk.cancel(part(c, 'id'), c.get('caller').person)) },
  { method: 'GET', path: '/v1/recommendations', right: 'reads', answer: async (c) => c.json(await desk.recommendations()) },
  { method: 'GET', path: '/v1/standing', right: 'person', answer: async (c) => c.json(await desk.standing(c.get('caller').person, mayAsk.reads(c.get('caller')))) },
  { method: 'DELETE', path: '/v1/standing/:id', right: 'answers', answer: async (c) => c.json(await desk.endStanding(part(c, 'id'), c.get('caller').person, mayAsk.administers(c.get('caller')))) },
  { method: 'GET', path: '/v1/delegations', right: 'person', answer: async (c) => c.json(await desk.delegations(c.get('caller').person, mayAsk.reads(c.get('caller')))) },
  { method: 'POST', path: '/v1/delegations', right: 'answers', answer: async (c) => c.json(await desk.delegate({ ...(await body(c, delegationBody)), person: c.get('caller').person })) },
  { method: 'DELETE', path: '/v1/delegations/:id', right: 'answers', answer: async (c) => c.json(await desk.endDelegation(part(c, 'id'), c.get('caller').person)) },
  ...emergencyRoutes(desk),
];

const emergencyRoutes = (desk: WaitingDesk): readonly Route[] => [
  { method: 'GET', path: '/v1/emergencies', right: 'person', answer: async (c) => c.json(await desk.emergencies()) },
  {
    method: 'POST',
    path: '/v1/emergencies/:name',
    right: 'answers',
    answer: async (c) => {
      const { for_seconds: seconds, ...wish } = await body(c, emergencyBody);
      return c.json(await desk.declareEmergency({ ...wish, name: part(c, 'name'), person: c.get('caller').person, ...(seconds !== undefined && { forMs: seconds * 1_000 }) }));
    },
  },
  { method: 'POST', path: '/v1/emergencies/:name/:id/confirm', right: 'answers', answer: async (c) => c.json(await desk.confirmEmergency(part(c, 'name'), part(c, 'id'), c.get('caller').person)) },
  { method: 'POST', path: '/v1/emergencies/:name/:id/end', right: 'answers', answer: async (c) => c.json(await desk.endEmergency(part(c, 'name'), part(c, 'id'), c.get('caller').person)) },
  {
    method: 'POST',
    path: '/v1/emergencies/:name/:id/review',
    right: 'answers',
    answer: async (c) => c.json(await desk.reviewEmergency(part(c, 'name'), part(c, 'id'), c.get('caller').person, (await body(c, reviewBody)).finding)),
  },
];
