import { type ServerResponse } from 'node:http';
import { factsConfig } from '../../packages/server/src/config/facts.js';
import { Secret } from '../../packages/server/src/lib/secret.js';
import type { Clock } from '../../packages/server/src/lib/clock.js';
import type { FactAnswer, FactTypes } from '../../packages/server/src/policy/fact-source.js';
import { Facts } from '../../packages/server/src/policy/facts/facts.js';
import { Sources } from '../../packages/server/src/policy/facts/sources.js';
import { FakeClock, type LocalServer, localServer } from './identity-kit.js';

export const types: FactTypes = { vendor: { active: 'boolean', name: 'string', orders: 'integer', limit: 'decimal', since: 'datetime' } };
export const acme = { active: true, name: 'Acme', orders: 7, limit: 1200.5, since: '2026-01-31T10:00:00Z' };

export interface FactsWish {
  readonly directory?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
}

/** Facts as the configuration would make them: defaults, bounds and all. */
export function factsOf(settings: object, { directory = '/', env = {}, clock = new FakeClock() }: FactsWish = {}): { readonly facts: Facts; readonly close: () => Promise<void> } {
  const sources = new Sources({ directory, secretOf: (name) => (env[name] === undefined ? undefined : new Secret(env[name])) });
  return { facts: new Facts(factsConfig.parse(settings), sources, clock), close: () => sources.close() };
}

/** The value of the one fact `vendor` without Cedar's escapes, or why it is missing. */
export function said(answers: ReadonlyMap<string, FactAnswer>): unknown {
  const answer = answers.get('vendor');
  if (answer?.kind !== 'known') return `missing: ${answer?.why ?? 'not asked'}`;
  return Object.fromEntries(Object.entries(answer.value).map(([name, value]) => [name, (value as { __extn?: { arg: string } }).__extn?.arg ?? value]));
}

export interface VendorServer extends LocalServer {
  readonly paths: string[];
  answer: (response: ServerResponse, path: string) => void;
}

/** An HTTP server that says what a test has it say, and remembers what it was asked. */
export async function vendorServer(): Promise<VendorServer> {
  const paths: string[] = [];
  const server = { paths, answer: (response: ServerResponse) => void response.end(JSON.stringify(acme)) } as unknown as VendorServer;
  const local = await localServer((request, response) => {
    paths.push(request.url ?? '');
    server.answer(response, request.url ?? '');
  });
  return Object.assign(server, local);
}
