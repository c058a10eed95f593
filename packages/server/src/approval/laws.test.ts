import type { ApprovalRule, Entry } from '@flyball/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ApprovalNode, ApprovalWorld, codeOf, memory } from '../../../../test/support/approval-world.js';

const policies = `
@id("one") @outcome("step_up") @approvers("finance") @standing("count=2, within=5m, sum=amount:50") @emergency("outage") @within("1m")
forbid (principal, action == Action::"payment.release", resource);
@id("two") @outcome("step_up") @approvers("finance:2, security:1") @emergency("outage") @within("1m")
forbid (principal, action == Action::"payment.release", resource) when { context.args.amount.greaterThan(decimal("100.0")) };
`;
const persons = ['ann', 'ann.admin', 'ben', 'cyd', 'dan', 'eve'] as const;
const groups: Readonly<Record<string, readonly string[]>> = { ann: ['finance'], ben: ['finance'], cyd: ['finance', 'security'], dan: ['security'] };
const standing = { count: 2, withinMs: 120_000, sum: { argument: 'amount', most: 50 } };

type Step =
  | { readonly kind: 'ask'; readonly amount: number; readonly onBehalfOf: string | undefined; readonly times: number }
  | { readonly kind: 'answer'; readonly nth: number; readonly person: string; readonly agrees: boolean; readonly standing: boolean }
  | { readonly kind: 'cancel'; readonly nth: number }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'delegate'; readonly from: string; readonly to: string }
  | { readonly kind: 'declare' | 'confirm' | 'end' | 'review'; readonly person: string }
  | { readonly kind: 'restart' };

const person = fc.constantFrom(...persons);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('ask' as const), amount: fc.constantFrom(5, 40, 500), onBehalfOf: fc.constantFrom(undefined, undefined, 'ann', 'zoe'), times: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('answer' as const), nth: fc.nat(3), person, agrees: fc.constantFrom(true, true, true, false), standing: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), nth: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1_000, 59_000, 60_000, 200_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delegate' as const), from: person, to: person }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('declare' as const, 'confirm' as const, 'end' as const, 'review' as const), person }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

class House {
  readonly shared = memory();
  readonly world = new ApprovalWorld({ policies }, this.shared);
  readonly #holds: string[] = [];
  #nodes: ApprovalNode[] = [];

  /** Two nodes take turns; after a restart neither remembers anything. */
  async node(): Promise<ApprovalNode> {
    if (this.#nodes.length === 0) this.#nodes = [await this.world.node(), await this.world.node()];
    const [first, second] = this.#nodes;
    if (!first || !second) throw new Error('unreachable');
    this.#nodes = [second, first];
    return first;
  }

  async do(one: Step): Promise<void> {
    this.world.clock.ms += 1;
    const node = await this.node();
    const { emergencies, delegations, holds } = node.approval;
    const nth = (n: number) => this.#holds.at(-1 - n) ?? 'none';
    const last = async () => (await emergencies.list(['outage'])).at(-1)?.id ?? 'none';
    switch (one.kind) {
      case 'ask': {
        const other = await this.node();
        const ends = await Promise.all(Array.from({ length: one.times }, (_, n) => (n % 2 ? node : other).ask({ amount: one.amount }, one.onBehalfOf === undefined ? {} : { onBehalfOf: one.onBehalfOf })));
        for (const ending of ends) if (ending.kind === 'held' && !this.#holds.includes(ending.hold.id)) this.#holds.push(ending.hold.id);
        return;
      }
      case 'answer':
        return void (await codeOf(holds.answer({ hold: nth(one.nth), person: one.person, agrees: one.agrees, reason: '', ...(one.standing && { standing }) })));
      case 'cancel':
        return void (await codeOf(holds.cancel(nth(one.nth), { identity: 'robot' })));
      case 'wait':
        this.world.clock.ms += one.ms;
        return void (await node.settler.run());
      case 'delegate':
        return void (await codeOf(delegations.give({ from: one.from, to: one.to, groups: ['finance'], untilMs: this.world.clock.ms + 100_000 })));
      case 'declare':
        return void (await codeOf(emergencies.declare({ name: 'outage', person: one.person, incident: 'i', reason: 'r', identity: '*', action: '*', forMs: 60_000 })));
      case 'confirm':
        return void (await codeOf(emergencies.confirm('outage', await last(), one.person)));
      case 'end':
        return void (await codeOf(emergencies.end('outage', await last(), one.person)));
      case 'review':
        return void (await codeOf(emergencies.review('outage', await last(), one.person, 'f')));
      case 'restart':
        this.#nodes = [];
    }
  }

  get record(): readonly Entry[] {
    return [...this.shared.tables.entries.values()].map(({ text }) => JSON.parse(text) as Entry);
  }
}

interface IntentBody {
  readonly on_behalf_of?: string;
  readonly approvals: readonly string[];
  readonly means?: readonly { readonly kind: string; readonly id: string; readonly spent?: number }[];
  readonly decision: { readonly approvals: readonly ApprovalRule[] };
}

/** Whether as many different people as are asked for can each take one seat: tried in every way, so plainly right. */
const seatable = (seats: readonly string[], free: readonly string[]): boolean => {
  const [seat, ...others] = seats;
  return seat === undefined || free.some((who) => groups[who]?.includes(seat) && seatable(others, free.filter((other) => other !== who)));
};

async function verify(house: House): Promise<void> {
  const { record } = house;
  const byId = new Map(record.map((entry) => [entry.id, entry]));
  const nameOf = async (ref: string) => (await house.shared.names.findName(ref)) ?? ref;
  const intents = record.filter(({ kind }) => kind === 'intent') as readonly Entry<IntentBody>[];
  const used = intents.flatMap(({ body }) => body.approvals);
  expect(new Set(used).size, 'an approval is used at most once').toBe(used.length);
  for (const { body } of intents) {
    const asks = body.on_behalf_of === undefined ? undefined : await nameOf(body.on_behalf_of);
    // The one by whose right it was: who speaks for another is that one's voice.
    const voices = new Set<string>();
    for (const id of body.approvals) {
      const { person: ref, authority } = byId.get(id)?.body as { readonly person: string; readonly authority?: string };
      for (const who of [await nameOf(ref), await nameOf(authority ?? ref)]) expect(who, 'nobody agrees to what they asked for').not.toBe(asks);
      voices.add(await nameOf(authority ?? ref));
    }
    const opened = new Set((body.means ?? []).map(({ id, kind }) => (kind === 'standing' ? (byId.get(id)?.body as { readonly policy: string }).policy : kind)));
    for (const policy of new Set(body.decision.approvals.map((rule) => rule.policy))) {
      if (opened.has(policy) || opened.has('emergency')) continue;
      const seats = body.decision.approvals.filter((rule) => rule.policy === policy).flatMap(({ approvers, quorum }) => Array.from({ length: quorum }, () => approvers));
      expect(seatable(seats, [...voices]), `${policy} by ${[...voices].join()}`).toBe(true);
    }
  }
  for (const granted of record.filter(({ kind }) => kind === 'standing.granted')) {
    const uses = intents.flatMap(({ body }) => (body.means ?? []).filter(({ id }) => id === granted.id));
    const { count, sum } = granted.body as typeof standing;
    expect(uses.length).toBeLessThanOrEqual(count);
    expect(uses.reduce((all, { spent }) => all + (spent ?? 0), 0)).toBeLessThanOrEqual(sum.most * 10_000);
  }
  expect(house.world.effects, 'what reached the target was recorded before').toHaveLength(intents.length);
}

/** What is open by the record, and what a node that begins now believes to be open. */
async function verifyBoard(house: House): Promise<void> {
  const { record } = house;
  const settled = new Set(record.map(({ settles }) => settles));
  const open = record.filter(({ kind, id, deadline }) => kind === 'hold' && !settled.has(id) && (deadline ?? 0) > house.world.clock.ms).map(({ id }) => id);
  expect([...(await house.world.node()).board.list()].map(({ id }) => id).sort()).toEqual(open.sort());
}

test('law: whatever people and machines do, in whatever order, over two nodes and restarts: an approval is used once, nothing runs without enough different people, the board is the record\'s, and every wait ends', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      const house = new House();
      for (const one of steps) await house.do(one);
      await verify(house);
      await verifyBoard(house);
      house.world.clock.ms += 90 * 24 * 3_600_000;
      const node = await house.node();
      while ((await node.settler.run()) > 0);
      const { record } = house;
      const settled = new Set(record.map(({ settles }) => settles).filter((id) => id !== undefined));
      expect(record.filter(({ id, deadline }) => deadline !== undefined && !settled.has(id)), 'every wait ends').toEqual([]);
      expect(record.filter(({ settles }) => settles !== undefined), 'and once').toHaveLength(settled.size);
    }),
    { numRuns: Number(process.env['FLYBALL_APPROVAL_SEQUENCES'] ?? 60) },
  );
}, 120_000);
