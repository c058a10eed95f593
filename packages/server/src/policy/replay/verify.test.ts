import type { JsonObject } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import { bundleOf, type Call, tell } from '../../../../../test/support/replay-house.js';
import { replayRules } from '../../cli/replay-source.js';
import type { RecordSource, Row } from './record.js';
import { verifyRecord, type VerifyReport } from './verify.js';

const call = (over: Partial<Call>): Call => ({ afterMs: 10_000, who: 'robot', session: 0, tool: 'pay', amount: 1, payee: 'ann', effect: 'succeeded', ...over });
const clause = '@id("often") forbid (principal, action == Action::"payment.release", resource) when temporal { count_within(10m, Action::"payment.release"::request{ input.payee: context.args.payee }) > 2 };';
const noLeak = '@id("no-leak") forbid (principal, action == Action::"shell.run", resource) when { context.session.labels.contains("pii") };';

interface Change {
  readonly body?: (body: JsonObject) => JsonObject;
  readonly content?: (content: JsonObject) => JsonObject | undefined;
  /** The entry commits to what is beside it now, as if it had always been so. */
  readonly sealed?: boolean;
}

/** A record in which one decision is otherwise than it was. */
function changed(source: RecordSource, id: string, { body, content, sealed = true }: Change): RecordSource {
  const change = (row: Row): Row => {
    if (row.entry.id !== id) return row;
    const { payload, ...rest } = row;
    const entry = body ? { ...row.entry, body: body(row.entry.body as JsonObject) } : row.entry;
    const next = payload && content ? content(JSON.parse(payload.content) as JsonObject) : undefined;
    if (!content || !payload) return { ...row, entry };
    if (!next) return { ...rest, entry };
    const beside = { salt: payload.salt, content: JSON.stringify(next) };
    return { entry: sealed ? { ...entry, payload: replayRules.payloadDigest(beside) as `sha256:${string}` } : entry, payload: beside };
  };
  return {
    ...source,
    pages: async function* () {
      for await (const page of source.pages()) yield page.map(change);
    },
  };
}

const verify = (source: RecordSource): Promise<VerifyReport> => verifyRecord({ source, rules: replayRules, most: 100, progress: () => undefined });
const parts = ({ different }: VerifyReport) => different.first.map(({ part }) => part);
const inContext = (change: (context: JsonObject) => JsonObject) => (content: JsonObject) => {
  const inputs = content['inputs'] as JsonObject;
  return { ...content, inputs: { ...inputs, context: change(inputs['context'] as JsonObject) } };
};
const inSession = (over: JsonObject) => inContext((context) => ({ ...context, session: { ...(context['session'] as JsonObject), ...over } }));

async function story(...calls: readonly Call[]) {
  const bundle = bundleOf([clause, noLeak]);
  const { source, decisions } = await tell(calls, bundle, bundle);
  return { source, last: decisions.at(-1)?.id ?? '', count: decisions.length };
}

describe('every part of a decision is looked at', () => {
  test.each<readonly [what: string, part: string, change: Change]>([
    ['arguments that the entry does not commit to', 'payload', { content: inContext((context) => ({ ...context, facts: { forged: true } })), sealed: false }],
    ['inputs that are no JSON of a decision', 'payload', { content: () => ({ inputs: 7 }) }],
    ['another outcome', 'decision', { body: (body) => ({ ...body, decision: { ...(body['decision'] as JsonObject), outcome: 'modify' } }) }],
    ['a policy that did not hold', 'decision', { body: (body) => ({ ...body, decision: { ...(body['decision'] as JsonObject), policies: [] } }) }],
    ['a count', 'session', { content: inSession({ counts: { 'payment.release': 9 } }) }],
    ['a purpose', 'session', { content: inSession({ purpose: 'another' }) }],
    ['an age', 'session', { content: inSession({ age: { __extn: { fn: 'duration', arg: '1ms' } } }) }],
    ['a label that nobody learnt', 'session', { content: inSession({ labels: ['secret'] }) }],
    ['a clause', 'temporal', { content: inContext((context) => ({ ...context, temporal: { t0: true } })), body: (body) => ({ ...body, decision: { ...(body['decision'] as JsonObject), outcome: 'deny', kind: 'forbidden', policies: [{ policy: 'often', effect: 'forbid', result: 'satisfied' }, { policy: 'open', effect: 'permit', result: 'satisfied' }] } }) }],
    ['arguments as policies saw them', 'call', { content: inContext((context) => ({ ...context, args: { payee: 'ann' } })) }],
    ['arguments as they were sent', 'call', { content: (content) => ({ ...content, args: { amount: 2, payee: 'ann' } }) }],
    ['an identity', 'call', { body: (body) => ({ ...body, identity: 'second' }) }],
  ])('attack: %s that was altered is listed', async (_what, part, change) => {
    const { source, last, count } = await story(call({ payee: 'bob' }), call({}));
    const report = await verify(changed(source, last, change));
    expect(parts(report)).toEqual([part]);
    expect(report.same).toBe(count - 1);
  });
});

describe('what is left to the moment', () => {
  test.each([[1_000, 1, []], [10_000, 0, ['session']]] as const)('law: a label that another session learnt %i ms before may not have been seen; what is longer ago has to be', async (afterMs, near, differing) => {
    const { source, last } = await story(call({}), call({ session: 1, tool: 'refund' }), call({ afterMs }));
    const report = await verify(changed(source, last, { content: inSession({ labels: [] }) }));
    expect(report.near.count).toBe(near);
    expect(parts(report)).toEqual(differing);
  });

  test.each([[1_000, 1, []], [10_000, 0, ['temporal']]] as const)('law: so with an event of another session, %i ms before', async (afterMs, near, differing) => {
    const { source, last } = await story(call({}), call({ session: 1 }), call({ afterMs }));
    const again = (decision: JsonObject) => ({ ...decision, outcome: 'allow', kind: 'permitted', policies: [{ policy: 'open', effect: 'permit', result: 'satisfied' }] });
    const unseen = { content: inContext((context) => ({ ...context, temporal: { t0: false } })), body: (body: JsonObject) => ({ ...body, decision: again(body['decision'] as JsonObject) }) };
    const { near: explained, ...report } = await verify(changed(source, last, unseen));
    // One of its own and itself are not too many; with the other session's one they are.
    expect(explained.count).toBe(near);
    expect(parts({ near: explained, ...report })).toEqual(differing);
  });

  test('law: a label of its own session has no such excuse', async () => {
    const { source, last } = await story(call({ tool: 'refund' }), call({ afterMs: 1 }));
    expect(parts(await verify(changed(source, last, { content: inSession({ labels: [] }) })))).toEqual(['session']);
  });
});

describe('what cannot be asked again', () => {
  const withDecision = (over: JsonObject) => (body: JsonObject) => ({ ...body, decision: { ...(body['decision'] as JsonObject), ...over } });
  const open = { policy: 'open', effect: 'permit', result: 'satisfied' };

  test('law: a running OPA’s part is counted as such; what contradicts the rest is listed', async () => {
    const { source, last, count } = await story(call({ payee: 'bob' }), call({}));
    const denied = { outcome: 'deny', kind: 'forbidden', policies: [open, { policy: 'opa/limits', effect: 'forbid', result: 'satisfied' }] };
    expect(await verify(changed(source, last, { body: withDecision(denied) }))).toMatchObject({ opa: 1, same: count, different: { count: 0 } });
    const forged = { ...denied, policies: [{ ...open, policy: 'other' }, denied.policies[1] ?? {}] };
    expect(parts(await verify(changed(source, last, { body: withDecision(forged) })))).toEqual(['decision']);
  });

  test('law: what was decided before policy was asked, erased or too large is counted by its reason', async () => {
    const { source, last, count } = await story(call({ payee: 'bob' }), call({}));
    const left = async (change: Change) => {
      const report = await verify(changed(source, last, change));
      expect(report.same + report.different.count).toBe(count - 1);
      return report.left;
    };
    expect(await left({ body: withDecision({ kind: 'quarantined', outcome: 'deny', policies: [] }) })).toMatchObject({ beforePolicy: { quarantined: 1 } });
    expect(await left({ content: () => undefined })).toMatchObject({ erased: { count: 1, first: [{ id: last }] } });
    expect(await left({ content: () => ({ too_large: 2_000_000 }) })).toMatchObject({ tooLarge: { count: 1 } });
    expect(await left({ body: withDecision({ bundle: 'sha256:gone' }) })).toMatchObject({ bundles: { 'sha256:gone': 1 } });
  });
});
