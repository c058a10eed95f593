import { type Decision, outcomes } from '@flyball/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bundleOf, type Call, tell } from '../../../../../test/support/replay-house.js';
import { replayRules } from '../../cli/replay-source.js';
import type { Bundle } from '../bundle.js';
import type { RecordSource } from './record.js';
import { replayCandidate } from './replay-candidate.js';
import { verifyRecord } from './verify.js';

const [pay, refund, run] = ['payment.release', 'payment.refund', 'shell.run'].map((name) => `Action::"${name}"`);

/** Rules of every stateful kind; a bundle is any choice of them. */
const pool = [
  `@id("no-leak") forbid (principal, action == ${pay}, resource) when { context.session.labels.contains("pii") };`,
  `@id("budget") forbid (principal, action == ${run}, resource) when { context.session.spent.eur.greaterThan(decimal("20.0")) };`,
  `@id("large") @outcome("step_up") @approvers("finance") forbid (principal, action == ${pay}, resource) when { context.args.amount.greaterThan(decimal("8.0")) };`,
  `@id("often") forbid (principal, action == ${pay}, resource) when temporal { count_within(1m, ${pay}::request{ input.payee: context.args.payee }) > 2 };`,
  `@id("after-error") forbid (principal, action == ${refund}, resource) when temporal { formerly within 30s ${pay}::error{} };`,
  `@id("capped") @modify("amount=3") permit (principal, action == ${pay}, resource);`,
  `@id("tighter") @modify("amount=2") permit (principal, action == ${pay}, resource);`,
  `@id("counted") forbid (principal, action == ${run}, resource) when { context.session.actions.contains("payment.refund") };`,
  `@id("patience") forbid (principal, action == ${refund}, resource) when { context.session.refusals > 1 };`,
  `@id("twice") forbid (principal, action == ${run}, resource) when temporal { previous within 1m ${run}::response{} };`,
  `@id("since") forbid (principal, action, resource) when temporal { !${refund}::response{} since within 1m ${run}::error{} };`,
];

const callIn = (apart: number): fc.Arbitrary<Call> =>
  fc.record({
    afterMs: fc.integer({ min: apart, max: 20_000 }).map((ms) => (apart === 0 && ms % 5 === 0 ? 0 : ms)),
    who: fc.constantFrom('robot', 'second'),
    session: fc.integer({ min: 0, max: 2 }),
    tool: fc.constantFrom('pay', 'refund', 'run'),
    amount: fc.integer({ min: 1, max: 12 }),
    payee: fc.constantFrom('ann', 'bob'),
    effect: fc.constantFrom('succeeded', 'failed', 'unknown'),
  });
const history = (apart: number) => fc.array(callIn(apart), { minLength: 10, maxLength: 40, size: 'max' });
const chosen = fc.subarray(pool).map(bundleOf);

const options = (source: RecordSource) => ({ source, rules: replayRules, most: 1_000, progress: () => undefined });
const verify = (source: RecordSource) => verifyRecord(options(source));
const flipsOf = async (source: RecordSource, candidate: Bundle) => (await replayCandidate(candidate, options(source))).flips.first;

const terms = ({ outcome, modification, approvals }: Decision): string => JSON.stringify([outcome, modification ?? null, outcome === 'deny' ? [] : approvals.map(({ approvers, quorum }) => [approvers, quorum])]);
const rank = ({ outcome }: Decision): number => outcomes.indexOf(outcome);

describe('on random histories', () => {
  test('law: every decision comes out as it was recorded, and the very bundle that decided flips nothing', async () => {
    let decisions = 0;
    await fc.assert(
      fc.asyncProperty(history(0), chosen, async (calls, bundle) => {
        const { source } = await tell(calls, bundle, bundle);
        const { same, different, left } = await verify(source);
        expect(different.first).toEqual([]);
        expect({ same, strays: left.strays.count }).toEqual({ same: calls.length, strays: 0 });
        expect(await flipsOf(source, bundle)).toEqual([]);
        decisions += calls.length;
      }),
      { numRuns: 15 },
    );
    expect(decisions).toBeGreaterThan(150);
  }, 60_000);

  test('law: a candidate flips what it would have decided otherwise had it been asked then, and nothing else', async () => {
    const seen = { stricter: 0, looser: 0, other: 0 };
    const property = fc.asyncProperty(history(1), chosen, chosen, async (calls, bundle, candidate) => {
      const { source, decisions } = await tell(calls, bundle, candidate);
      const flips = await flipsOf(source, candidate);
      const expected = decisions.filter(({ then, candidate: now }) => terms(then) !== terms(now)).map(({ id, then, candidate: now }) => [id, rank(now) < rank(then) ? 'stricter' : rank(now) > rank(then) ? 'looser' : 'other']);
      expect(flips.map(({ entry, direction }) => [entry.id, direction]).sort()).toEqual(expected.sort());
      for (const { direction, now, causes, entry } of flips) {
        seen[direction]++;
        expect(['deny', 'step_up', 'modify', 'allow']).toContain(now.outcome);
        for (const cause of causes.entries) expect(cause.atMs).toBeLessThanOrEqual(entry.atMs);
      }
    });
    await fc.assert(property, { numRuns: 30 });
    // One draw that is always the same: it has flips of every direction.
    await fc.assert(property, { numRuns: 30, seed: 5 });
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
  }, 60_000);
});
