import type { JsonObject } from '@flyball/protocol';
import { z } from 'zod';
import { type AccessAnswer, type AccessRequests, forPerson, type Grants, type ShownGrant, type Wish } from '../approval/index.js';
import { body, mayAsk, part, type Route } from './route.js';

const text = z.string().min(1).max(2_000);
/** What a request for access says; who asks is whom the token names. */
export const wishBody = z.strictObject({ grant: z.string().min(1).max(128), why: text, minutes: z.number().int().min(1).optional(), until: z.iso.datetime({ offset: true }).optional(), rollback: text.optional() });
const wishFor = wishBody.extend({ identity: z.string().min(1).max(128) });

export type PersonsWish = Wish & { readonly identity: string };

export interface AskingPersonNow {
  readonly person: string;
  readonly administers: boolean;
}

export interface GrantRow {
  readonly id: string;
  readonly grant: string;
  readonly identity: string;
  readonly on_behalf_of: string;
  readonly asked_by: string;
  readonly why: string;
  readonly rollback: string;
  readonly owner: string;
  readonly opened: string;
  readonly until: string;
}

/** What people ask for identities, and what they see and end of it. */
export interface AccessDesk {
  request(wish: PersonsWish, asking: AskingPersonNow): Promise<JsonObject>;
  simulate(wish: PersonsWish, asking: AskingPersonNow): Promise<JsonObject>;
  grants(asking: AskingPersonNow & { readonly seesAll: boolean }): Promise<readonly GrantRow[]>;
  endGrant(id: string, asking: AskingPersonNow, status: 'returned' | 'revoked'): Promise<JsonObject>;
}

export interface AccessDeskParts {
  readonly requests: AccessRequests;
  readonly grants: Grants;
  readonly administers: (person: string) => boolean;
  nameOf(ref: string): Promise<string>;
}

export class LocalAccessDesk implements AccessDesk {
  constructor(private readonly parts: AccessDeskParts) {}

  async request({ identity, ...wish }: PersonsWish, asking: AskingPersonNow): Promise<JsonObject> {
    const answer = await this.parts.requests.askFor(identity, this.#asker(asking), wish);
    if (answer.kind === 'refused' || answer.kind === 'broken') throw answer.error;
    return answerJson(answer);
  }

  async simulate({ identity, ...wish }: PersonsWish, asking: AskingPersonNow): Promise<JsonObject> {
    return { ...forPerson(await this.parts.requests.simulateFor(identity, this.#asker(asking), wish)) };
  }

  async grants(asking: Parameters<AccessDesk['grants']>[0]): Promise<readonly GrantRow[]> {
    return Promise.all((await this.parts.grants.visibleTo({ ...asking, seesAll: asking.seesAll || this.#administers(asking) })).map((grant) => this.#row(grant)));
  }

  async endGrant(id: string, asking: AskingPersonNow, status: 'returned' | 'revoked'): Promise<JsonObject> {
    return { grant: id, [status]: (await this.parts.grants.end(id, { person: asking.person, administers: this.#administers(asking) }, status)).id };
  }

  #asker(asking: AskingPersonNow) {
    return { person: asking.person, administers: this.#administers(asking), address: '' };
  }

  #administers({ person, administers }: AskingPersonNow): boolean {
    return administers || this.parts.administers(person);
  }

  async #row({ id, name, identity, onBehalfOf, askedBy, why, rollback = '', owner = '', openedAtMs, untilMs }: ShownGrant): Promise<GrantRow> {
    const nameOf = async (ref: string | undefined) => (ref === undefined ? '' : this.parts.nameOf(ref));
    return { id, grant: name, identity, on_behalf_of: await nameOf(onBehalfOf), asked_by: await nameOf(askedBy), why, rollback, owner, opened: iso(openedAtMs), until: iso(untilMs) };
  }
}

/** What came of a request, as whoever asked is told. */
export function answerJson(answer: AccessAnswer): JsonObject {
  switch (answer.kind) {
    case 'granted':
      return { status: 'granted', grant: { id: answer.id, name: answer.grant, until: answer.until }, request: answer.request };
    case 'waiting':
      return { status: 'waiting', hold: answer.hold, waits_for: answer.outcome === 'defer' ? 'facts' : 'people', reasons: answer.reasons, until: iso(answer.deadlineMs) };
    case 'refused':
      return { status: 'refused', request: answer.request, error: { code: answer.error.code, message: answer.error.message, ...(answer.reason !== undefined && { reason: answer.reason }) } };
    case 'broken':
      return { status: answer.effect, request: answer.request, error: { code: answer.error.code, message: answer.error.message } };
  }
}

/** Requests that people make for identities, on the administrators' listener. */
export const accessRoutes = (desk: AccessDesk): readonly Route[] => [
  {
    method: 'POST',
    path: '/v1/access-requests',
    right: 'answers',
    answer: async (c) => {
      const answer = await desk.request(await body(c, wishFor), { person: c.get('caller').person, administers: mayAsk.administers(c.get('caller')) });
      return c.json(answer, answer['status'] === 'granted' ? 201 : 202);
    },
  },
  { method: 'POST', path: '/v1/access-requests/simulate', right: 'answers', answer: async (c) => c.json(await desk.simulate(await body(c, wishFor), { person: c.get('caller').person, administers: mayAsk.administers(c.get('caller')) })) },
  { method: 'GET', path: '/v1/grants', right: 'person', answer: async (c) => c.json(await desk.grants({ person: c.get('caller').person, administers: mayAsk.administers(c.get('caller')), seesAll: mayAsk.reads(c.get('caller')) })) },
  {
    method: 'DELETE',
    path: '/v1/grants/:id',
    right: 'answers',
    answer: async (c) => c.json(await desk.endGrant(part(c, 'id'), { person: c.get('caller').person, administers: mayAsk.administers(c.get('caller')) }, c.req.query('as') === 'returned' ? 'returned' : 'revoked')),
  },
];

const iso = (ms: number) => new Date(ms).toISOString();
