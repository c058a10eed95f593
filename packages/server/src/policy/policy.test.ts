import type { Outcome, ReasonKind } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import { refusal } from '../../../../test/support/identity-kit.js';
import { type Attempt, compile, decided, decisionOn, policyOf, situated } from '../../../../test/support/policy-kit.js';
import { evaluate } from './evaluate.js';

const permit = '@id("all") permit (principal, action, resource);';
const forbid = (id: string, annotations: string, condition = '', action = 'payment.release') => `@id("${id}") ${annotations} forbid (principal, action == Action::"${action}", resource) ${condition};`;
const stepUp = forbid('two-people', '@outcome("step_up") @approvers("finance")');
const deferral = forbid('window', '@outcome("defer") @needs("change_window")', 'unless { context.facts has change_window && context.facts.change_window.open }');
const over = 'when { context.args.amount.greaterThan(decimal("100.00")) }';
/** Too large for a Long as soon as it is asked. */
const broken = 'when { context.args has count && context.args.count * 9223372036854775807 > 0 }';
const breaking = { args: { amount: 5, count: 2 } };

describe('stories', () => {
  test.each<[string, string, Attempt, Outcome, ReasonKind]>([
    ['nothing permits', '', {}, 'deny', 'no_permit'],
    ['a permit for another action only', '@id("p") permit (principal, action == Action::"payment.refund", resource);', {}, 'deny', 'no_permit'],
    ['a permit for another group only', '@id("p") permit (principal in Group::"people", action, resource);', {}, 'deny', 'no_permit'],
    ['a permit', permit, {}, 'allow', 'permitted'],
    ['a permit by group of principal and action', '@id("p") permit (principal in Group::"robots", action in Action::"payments", resource);', {}, 'allow', 'permitted'],
    ['a permit by tier', '@id("p") permit (principal, action in Action::"act", resource);', {}, 'allow', 'permitted'],
    ['a permit by list of actions', '@id("p") permit (principal, action in [Action::"shell.run", Action::"payments"], resource);', {}, 'allow', 'permitted'],
    ['a forbid beside a permit', `${permit}${forbid('no', '')}`, {}, 'deny', 'forbidden'],
    ['a forbid for another action', `${permit}${forbid('no', '', '', 'shell.run')}`, {}, 'allow', 'permitted'],
    ['a forbid whose condition is false', `${permit}${forbid('no', '', over)}`, { args: { amount: 100 } }, 'allow', 'permitted'],
    ['a forbid whose condition is true by a cent', `${permit}${forbid('no', '', over)}`, { args: { amount: 100.01 } }, 'deny', 'forbidden'],
    ['people have to agree', `${permit}${stepUp}`, {}, 'step_up', 'needs_approval'],
    ['people have to agree, but nothing permits', stepUp, {}, 'deny', 'no_permit'],
    ['facts have to arrive', `${permit}${deferral}`, {}, 'defer', 'needs_facts'],
    ['facts before people', `${permit}${stepUp}${deferral}`, {}, 'defer', 'needs_facts'],
    ['a hard forbid before both', `${permit}${stepUp}${deferral}${forbid('no', '')}`, {}, 'deny', 'forbidden'],
    ['a modification', '@id("p") @modify("amount=50") permit (principal, action, resource);', {}, 'modify', 'permitted'],
    ['people before a modification', `@id("p") @modify("amount=50") permit (principal, action, resource);${stepUp}`, {}, 'step_up', 'needs_approval'],
    ['a broken forbid', `${permit}${forbid('no', '', broken)}`, breaking, 'deny', 'guard_broken'],
    ['a broken forbid that would ask people', `${permit}${forbid('ask', '@outcome("step_up") @approvers("finance")', broken)}`, breaking, 'deny', 'guard_broken'],
    ['a broken forbid before a permit that asks nobody', `${permit}${stepUp}${forbid('no', '', broken)}`, breaking, 'deny', 'guard_broken'],
    ['a broken permit alone', `@id("p") permit (principal, action == Action::"payment.release", resource) ${broken.replace('> 0', '!= 0')};`, breaking, 'deny', 'no_permit'],
    ['a broken permit beside a good one', `${permit}@id("p") permit (principal, action == Action::"payment.release", resource) ${broken};`, breaking, 'allow', 'permitted'],
    ['a forbid in shadow', `${permit}${forbid('no', '@mode("shadow")')}`, {}, 'allow', 'permitted'],
    ['a broken forbid in shadow', `${permit}${forbid('no', '@mode("shadow")', broken)}`, breaking, 'allow', 'permitted'],
    ['a permit in shadow', '@id("p") @mode("shadow") permit (principal, action, resource);', {}, 'deny', 'no_permit'],
    ['a session that has spent its budget', `${permit}${forbid('no', '', 'when { context.session.spent.eur.greaterThanOrEqual(decimal("5000.0")) }')}`, { session: { spent: { eur: 50_000_000 } } }, 'deny', 'forbidden'],
    ['a session that has spent all but a cent', `${permit}${forbid('no', '', 'when { context.session.spent.eur.greaterThanOrEqual(decimal("5000.0")) }')}`, { session: { spent: { eur: 49_999_900 } } }, 'allow', 'permitted'],
    ['a session that has seen too much', `${permit}${forbid('no', '', 'when { context.session.labels.containsAll(["pii", "untrusted"]) }')}`, { session: { labels: ['pii', 'untrusted'] } }, 'deny', 'forbidden'],
    ['a task that does not include the action', permit, { session: { capabilities: ['files.*'] } }, 'deny', 'capability'],
    ['a task without any capability', permit, { session: { capabilities: [] } }, 'deny', 'capability'],
  ])('story: %s', async (_name, policies, attempt, outcome, kind) => {
    expect(await decisionOn(policies, attempt)).toMatchObject({ outcome, kind });
  });

  test('story: an action that nobody catalogued is unknown, whatever policies permit', async () => {
    const bundle = compile(permit);
    for (const call of [{ name: 'nothing' }, { upstream: 'elsewhere' }, { method: 'tools/list2' }, { method: 'constructor' }, { method: '' }]) expect(await refusal(decided(bundle, { call }))).toMatch(/^action_unknown/);
  });

  test('story: a tool that is not as it was agreed to waits, whatever policies permit', async () => {
    const { call } = situated();
    expect(await decisionOn(permit, { call: { tool: { name: 'pay', digest: 'sha256:new', accepted: false, definition: call.tool?.definition ?? {} } } })).toMatchObject({ outcome: 'deny', kind: 'quarantined' });
  });

  test('story: every rule that took part is named, sorted, with what it asks for', async () => {
    const decision = await decisionOn(`${permit}${stepUp}${forbid('b-shadow', '@mode("shadow") @reason("soon")')}${forbid('a-broken', '@mode("shadow")', broken)}`, breaking);
    expect(decision.verdicts).toEqual([
      { policy: 'a-broken', effect: 'forbid', result: 'error', reason: 'a-broken', error: expect.stringContaining('overflow') as string, shadow: true },
      { policy: 'all', effect: 'permit', result: 'satisfied', reason: 'all' },
      { policy: 'b-shadow', effect: 'forbid', result: 'satisfied', reason: 'soon', shadow: true },
      { policy: 'two-people', effect: 'forbid', result: 'satisfied', reason: 'two-people' },
    ]);
    expect(decision).toMatchObject({ outcome: 'step_up', shadowOutcome: 'deny', approvals: [{ policy: 'two-people', approvers: 'finance', quorum: 1, withinMs: 4 * 3_600_000 }] });
  });
});

describe('guards that cannot be evaluated', () => {
  test('abuse 16: a deferral that is broken by something else than its fact denies', async () => {
    expect(await decisionOn(`${permit}${forbid('window', '@outcome("defer") @needs("change_window")', broken)}`, breaking)).toMatchObject({ outcome: 'deny', kind: 'guard_broken' });
  });

  test.each<[string, string, Attempt]>([
    ['a number of five digits after the point', 'context.args has amount && context.args.amount.greaterThan(decimal("100.0"))', { args: { amount: 1_000_000.000_01 } }],
    ['a number beyond every decimal', 'context.args has amount && context.args.amount.greaterThan(decimal("100.0"))', { args: { amount: 1e300 } }],
    ['a whole number beyond every Long', 'context.args has count && context.args.count > 5', { args: { count: 1e300 } }],
    ['a list with one number that does not fit', 'context.args has fees && context.args.fees.contains(decimal("5.0"))', { args: { fees: [5, 0.000_01] } }],
    ['a record whose member does not fit', 'context.args has options && context.args.options has most && context.args.options.most > 5', { args: { options: { mode: 'a', most: 1e300 } } }],
  ])('abuse 16: a guard that asks `has` first does not open for %s', async (_name, condition, attempt) => {
    const policies = `${permit}${forbid('limit', '', `when { ${condition} }`, 'payment.refund')}`;
    expect((await decisionOn(policies, { tool: 'refund', ...attempt })).outcome).toBe('deny');
    expect((await decisionOn(policies, { tool: 'refund', args: {} })).outcome).toBe('allow');
  });

  test('abuse 16: a guard on a required argument stays shut when the argument does not fit', async () => {
    const policies = `${permit}${forbid('limit', '', over)}`;
    for (const amount of [0.000_01, 1e300, 922_337_203_685_477.6]) expect(await decisionOn(policies, { args: { amount } })).toMatchObject({ outcome: 'deny', kind: 'guard_broken' });
  });

  test('abuse 16: a policy may ask itself what did not fit', async () => {
    const policies = `${permit}${forbid('odd', '', 'when { context.unrepresented.contains("choice") }')}`;
    expect(await decisionOn(policies, { args: { amount: 5, choice: 'a' } })).toMatchObject({ kind: 'forbidden' });
    expect(await decisionOn(policies, { args: { amount: 5 } })).toMatchObject({ kind: 'permitted' });
  });
});

describe('one attempt, several resources', () => {
  const copy = { tool: 'copy', args: { source: 'a', destination: 'b' } };
  const on = (id: string, annotations: string, resource: string) => `@id("${id}") ${annotations} permit (principal, action, resource == Resource::"object/${resource}");`;

  test('abuse 22: every one of them is decided; one denial denies all', async () => {
    expect(await decisionOn(`${on('r', '', 'a')}${on('w', '', 'b')}`, copy)).toMatchObject({ outcome: 'allow' });
    expect(await decisionOn(on('r', '', 'a'), copy)).toMatchObject({ outcome: 'deny', kind: 'no_permit' });
    expect(await decisionOn(`${permit}@id("no") forbid (principal, action, resource == Resource::"object/b");`, copy)).toMatchObject({ outcome: 'deny', kind: 'forbidden' });
  });

  test('abuse 22: what each of the permits changes is changed', async () => {
    const decision = await decisionOn(`${on('r', '@modify("limit=100,redact=pii")', 'a')}${on('w', '@modify("limit=10,dry_run=true")', 'b')}`, copy);
    expect(decision).toMatchObject({ outcome: 'modify', modification: { caps: { limit: 10 }, sets: { dry_run: true }, redact: ['pii'] } });
  });

  test('abuse 22: what one resource needs approval for is still changed as the other one says', async () => {
    const ask = '@id("ask") @outcome("step_up") @approvers("finance") forbid (principal, action, resource == Resource::"object/a");';
    const decision = await decisionOn(`${on('r', '', 'a')}${on('w', '@modify("dry_run=true")', 'b')}${ask}`, copy);
    expect(decision).toMatchObject({ outcome: 'step_up', modification: { sets: { dry_run: true } } });
  });

  test('abuse 22: permits of two resources that contradict each other deny', async () => {
    expect(await decisionOn(`${on('r', '@modify("mode=read")', 'a')}${on('w', '@modify("mode=write")', 'b')}`, copy)).toMatchObject({ outcome: 'deny' });
  });
});

describe('the same again', () => {
  test('abuse 28: the recorded inputs of a decision, read back, give the same decision', async () => {
    const policies = `${permit}${stepUp}${forbid('no', '@mode("shadow")', over)}${forbid('odd', '', broken)}`;
    const bundle = compile(policies);
    for (const args of [{ amount: 5 }, { amount: 100.01 }, { amount: 5, count: 2 }, { amount: 0.1, tags: ['a', 'b'], options: { mode: 'x' } }]) {
      const { inputs, decision } = await decided(bundle, { args });
      expect(evaluate(JSON.parse(JSON.stringify(inputs)) as typeof inputs, compile(policies))).toEqual(decision);
    }
  });

  test('story: a list shows what could be allowed for some arguments, and not what could not', () => {
    const could = (policies: string, attempt: Attempt = {}) => policyOf(compile(policies)).couldAllow(situated(attempt));
    expect(could(`${permit}${forbid('no', '', over)}`)).toBe(true);
    expect(could(`@id("p") permit (principal, action == Action::"payment.release", resource) ${over};`)).toBe(true);
    expect(could(`${permit}${stepUp}`)).toBe(true);
    expect(could('@id("p") permit (principal, action, resource == Resource::"tool/pay");')).toBe(true);
    expect(could('@id("p") permit (principal, action, resource == Resource::"object/a");', { tool: 'copy', args: {} })).toBe(true);
    expect(could(`${permit}${forbid('no', '')}`)).toBe(false);
    expect(could('@id("p") permit (principal, action == Action::"shell.run", resource);')).toBe(false);
    expect(could('@id("p") @mode("shadow") permit (principal, action, resource);')).toBe(false);
    expect(could(permit, { session: { capabilities: [] } })).toBe(false);
  });
});
