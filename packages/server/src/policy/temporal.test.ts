import type { PastEvent } from '@flyball/cedar';
import type { JsonObject } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import { type Attempt, compile, faultsOf, nowMs, situated } from '../../../../test/support/policy-kit.js';
import { FakeClock } from '../../../../test/support/identity-kit.js';
import { Policy } from './policy.js';
import { TemporalPast } from './temporal.js';
import { eventOf, newEventReader } from './temporal-events.js';

const release = 'Action::"payment.release"';
const permit = `@id("pays") permit (principal, action == ${release}, resource);`;
const atMostTwo = `@id("two") forbid (principal, action == ${release}, resource) when temporal { count_within(1h, ${release}::request{ input.payee: context.args.payee }) > 2 };`;
const budget = `@id("budget") forbid (principal, action == ${release}, resource) when temporal { sum_within(n, 24h, ${release}::request{ input.count: n }) > 10 };`;

const paid = (minutesAgo: number, args: JsonObject, event = 'request'): PastEvent => eventOf({ atMs: nowMs - minutesAgo * 60_000, action: 'payment.release', event, args, resource: { type: 'tool', id: 'pay' }, session: 'session' });

/** Decides one attempt after what logs hold: the session's own, and those of the identity's other sessions. */
function house(policies: string, logs: Readonly<Record<string, readonly PastEvent[]>>) {
  const bundle = compile(policies);
  const read = new Map(Object.entries(logs).map(([stream, events]) => [stream, { events: [...events] }]));
  const past = new TemporalPast((stream) => Promise.resolve(read.get(stream) ?? { events: [] }));
  const policy = new Policy(() => bundle, new FakeClock(), { audience: 'x', past });
  const own = 'session:session';
  const others = Object.keys(logs).filter((stream) => stream !== own).map((stream) => ({ stream, version: 1 }));
  const decide = async (attempt: Attempt = {}) => {
    const one = situated(attempt);
    return policy.decide({ ...one, session: { ...one.session, others: () => Promise.resolve(others) } });
  };
  return { decide, read };
}

const acme = { amount: 5, payee: 'acme' };

describe('what happened before', () => {
  test('story: a limit counts the attempt that is decided, and what began before it', async () => {
    const one = house(permit + atMostTwo, { 'session:session': [paid(5, { payee: 'acme' })] });
    expect((await one.decide({ args: acme })).decision.outcome).toBe('allow');
    const two = house(permit + atMostTwo, { 'session:session': [paid(5, { payee: 'acme' }), paid(4, { payee: 'acme' })] });
    expect((await two.decide({ args: acme })).decision).toMatchObject({ outcome: 'deny', kind: 'forbidden' });
    expect((await two.decide({ args: { amount: 5, payee: 'other' } })).decision.outcome).toBe('allow');
  });

  test('law: an attempt that was only decided is in no history', async () => {
    const { decide } = house(permit + atMostTwo, { 'session:session': [paid(5, { payee: 'acme' })] });
    for (let i = 0; i < 5; i++) expect((await decide({ args: acme })).decision.outcome).toBe('allow');
  });

  test('attack: what was done in another session counts, in whatever order the sessions are named', async () => {
    const logs = { 'session:session': [paid(5, { payee: 'acme' })], 'session:other': [paid(6, { payee: 'acme' })] };
    expect((await house(permit + atMostTwo, logs).decide({ args: acme })).decision.outcome).toBe('deny');
  });

  test('law: what is appended counts once, and a log that was read anew does not count twice', async () => {
    const { decide, read } = house(permit + atMostTwo, { 'session:session': [paid(9, { payee: 'acme' })] });
    expect((await decide({ args: acme })).decision.outcome).toBe('allow');
    read.set('session:session', { events: [paid(9, { payee: 'acme' })] });
    expect((await decide({ args: acme })).decision.outcome).toBe('allow');
    read.get('session:session')?.events.push(paid(1, { payee: 'acme' }));
    expect((await decide({ args: acme })).decision.outcome).toBe('deny');
  });

  test('law: outside its window nothing counts; its edge is inside', async () => {
    const logs = (minutes: number) => ({ 'session:session': [paid(minutes, { payee: 'acme' }), paid(1, { payee: 'acme' })] });
    expect((await house(permit + atMostTwo, logs(60)).decide({ args: acme })).decision.outcome).toBe('deny');
    expect((await house(permit + atMostTwo, logs(60.1)).decide({ args: acme })).decision.outcome).toBe('allow');
  });

  test('abuse 16: an argument that a clause compares and policies cannot be shown keeps its guard shut', async () => {
    const { decide } = house(permit + budget, { 'session:session': [] });
    expect((await decide({ args: { amount: 1, count: 5 } })).decision.outcome).toBe('allow');
    expect((await decide({ args: { amount: 1, count: 1e300 } })).decision).toMatchObject({ outcome: 'deny', kind: 'guard_broken' });
  });

  test('law: what the clauses said is recorded with the decision', async () => {
    const { decide } = house(permit + atMostTwo + budget, { 'session:session': [] });
    expect((await decide({ args: { amount: 1, count: 11 } })).inputs.context['temporal']).toEqual({ t0: false, t1: true });
  });
});

describe('clauses that are refused', () => {
  test.each([
    ['an unknown action', `when temporal { formerly within 1h Action::"payment.relese"::request{} }`, /expected an action of the catalogue/],
    ['an unknown event', `when temporal { formerly within 1h ${release}::answer{} }`, /expected the event `request`, `response` or `error`/],
    ['an unknown field', `when temporal { formerly within 1h ${release}::response{ output.id: "x" } }`, /expected a field of `input`/],
    ['an argument that the tool does not have', `when temporal { formerly within 1h ${release}::request{ input.pay: "x" } }`, /`payment.release` has no argument `pay`/],
    ['an argument of the attempt that the tool does not have', `when temporal { formerly within 1h ${release}::request{ input.payee: context.args.pay } }`, /has no argument `pay`/],
    ['a path that no context has', `when temporal { formerly within 1h ${release}::request{ input.payee: context.input.payee } }`, /expected a path of the context/],
    ['an order of texts', `when temporal { exists (p: String). (formerly within 1h ${release}::request{ input.payee: p } && p > 5) }`, /compares numbers, got a String/],
    ['a window beyond the record', `when temporal { formerly within 25h ${release}::request{} }`, /at most 24 hours/],
    ['no window', `when temporal { formerly ${release}::request{} }`, /expected `within`/],
    ['a free variable', `when temporal { formerly within 1h ${release}::request{ input.payee: someone } }`, /variable `someone` is free/],
    ['a block without end', `when temporal { formerly within 1h ${release}::request{`, /expected/],
  ])('law: %s is a fault with its line', (_name, clause, expected) => {
    const [fault] = faultsOf(`${permit}\n@id("x")\nforbid (principal, action == ${release}, resource)\n${clause};`);
    expect(fault).toMatch(/^policies\/main\.cedar:4:\d+: /);
    expect(fault).toMatch(expected);
  });

  test('law: a fault behind a temporal clause is told at its own place', () => {
    const [fault] = faultsOf(`${permit}\n@id("x") forbid (principal, action, resource) when temporal { formerly within 1h ${release}::request{} }\nwhen { context.nothing };`);
    expect(fault).toMatch(/^policies\/main\.cedar:3:\d+: .*nothing/);
  });
});

test('law: an outcome is an event of its intent\'s action and input; a refusal is an error; erased input matches no pattern', () => {
  const read = newEventReader();
  const entry = (kind: string, id: string, body: JsonObject, settles?: string) => ({ v: 1, tenant: 't', id, kind, at: 1, streams: [], body, ...(settles !== undefined && { settles }) }) as unknown as Parameters<typeof read>[0];
  const payload = { inputs: { context: { args: { payee: 'acme' } }, resources: [{ type: 'tool', id: 'pay' }] } } as unknown as JsonObject;
  const events = [
    read(entry('session.opened', 's', {}), undefined),
    read(entry('intent', 'i1', { action: 'pay', session: 's' }), payload),
    read(entry('outcome', 'o1', { effect: 'succeeded' }, 'i1'), undefined),
    read(entry('outcome', 'o1', { effect: 'succeeded' }, 'i1'), undefined),
    read(entry('intent', 'i2', { action: 'pay', session: 's' }), undefined),
    read(entry('outcome', 'o2', { effect: 'unknown' }, 'i2'), undefined),
    read(entry('refusal', 'r', { action: 'pay', session: 's' }), payload),
    read(entry('refusal', 'r2', {}), undefined),
  ];
  expect(events.map((event) => event && [event.event, event.record.attributes.has('input')])).toEqual([undefined, ['request', true], ['response', true], undefined, ['request', false], ['error', false], ['error', true], undefined]);
});
