import { FlyballError } from '@flyball/protocol';
import type { Context } from 'hono';
import type { z } from 'zod';
import type { Visit } from './people/visits.js';

/** Whoever asks, once they have proved who they are. */
export interface Caller {
  readonly person: string;
  readonly operator: boolean;
  readonly administrator: boolean;
  readonly auditor: boolean;
  /** There when they are signed in with a browser. */
  readonly visit?: Visit;
}

export type Env = { Variables: { caller: Caller } };

/** Who may ask for a route. */
export type Right = 'anyone' | 'person' | 'answers' | 'visits' | 'keys' | 'reads' | 'administers';

/** The whole of it; an auditor changes nothing, whatever else they are. */
export const mayAsk: Readonly<Record<Exclude<Right, 'anyone'>, (caller: Caller) => boolean>> = {
  /** What concerns themselves, and what they have to answer: such a route shows no more than that. */
  person: () => true,
  answers: ({ auditor }) => !auditor,
  visits: ({ visit }) => visit !== undefined,
  keys: ({ visit, auditor }) => visit !== undefined && !auditor,
  reads: ({ operator, administrator, auditor }) => operator || administrator || auditor,
  administers: ({ operator, administrator, auditor }) => (operator || administrator) && !auditor,
};

/** What is said to who may not. */
export const expectedOf: Readonly<Record<Exclude<Right, 'anyone'>, string>> = {
  person: 'a person of people.yaml',
  answers: 'somebody who is no auditor: auditors change nothing',
  visits: 'a person who signed in with a browser',
  keys: 'a person who signed in with a browser and is no auditor',
  reads: 'an administrator or an auditor',
  administers: 'an administrator',
};

/** One row of the administrators' API. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly right: Right;
  answer(c: Context<Env>): Response | Promise<Response>;
}

export async function body<T>(c: Context<Env>, schema: z.ZodType<T>): Promise<T> {
  const checked = schema.safeParse(await c.req.json().catch(() => undefined));
  if (!checked.success) throw new FlyballError('request_malformed', checked.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ').slice(0, 1_000));
  return checked.data;
}

/** A part of the path, which the row's pattern has. */
export const part = (c: Context<Env>, name: string): string => c.req.param(name) ?? '';

export const most = (c: Context<Env>): number => Number.parseInt(c.req.query('most') ?? '50', 10) || 50;
