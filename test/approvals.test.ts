import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadLocalKey, signLocalToken } from '../packages/server/src/identity/index.js';
import { command, waitFor } from './support/governor.js';
import { decisionOf, type RawAnswer } from './support/mcp.js';
import { moneyBundle, openClient, readRecord, transferTo, wasDone } from './support/exported-record.js';
import { MoneyHouse } from './support/money-house.js';
import { resultOf, textOf } from './support/wire.js';

const guards = `
@id("one-of-finance") @outcome("step_up") @approvers("finance") @within("10m")
forbid (principal, action == Action::"money.move", resource);
@id("quick") @outcome("step_up") @approvers("finance") @within("2s")
forbid (principal, action == Action::"money.move", resource) when { context.args.amount == decimal("2.5") };
@id("less-quick") @outcome("step_up") @approvers("finance") @within("5s")
forbid (principal, action == Action::"money.move", resource) when { context.args.amount == decimal("3.5") };
@id("two-of-three") @outcome("step_up") @approvers("finance") @quorum("2")
forbid (principal, action == Action::"money.move", resource) when { context.args.amount.greaterThan(decimal("1000.0")) };
`;
const people = 'people:\n  - { id: ann, groups: [finance] }\n  - { id: ben, groups: [finance] }\n  - { id: cyd, groups: [finance] }\n  - { id: dan, groups: [sales] }\n  - { id: tester, groups: [finance] }\n';

let house: MoneyHouse;
beforeAll(async () => void (house = await MoneyHouse.open(moneyBundle(guards, people))));
afterAll(() => house.close());

const holdOf = (answer: RawAnswer): string | undefined => decisionOf(resultOf(answer)).hold;
const answerAs = (verb: 'approve' | 'refuse', hold: string | undefined, person: string) => command(house.governor.directory, [verb, hold ?? 'none', '--as', person]);

/** Asks for a transfer that has to wait; the hold's id. */
async function held(to: string, more: object = {}, by = house.client): Promise<string> {
  const answer = await transferTo(by, to, more);
  const hold = holdOf(answer);
  if (hold === undefined) throw new Error(`not held: ${answer.text}`);
  expect(house.effects(to)).toBe(0);
  return hold;
}

test('story: held, agreed to, called again: it happens once; the next call is a new question', async () => {
  const hold = await held('shop');
  expect(holdOf(await transferTo(house.client, 'shop'))).toBe(hold);
  expect((await answerAs('approve', hold, 'ann')).code).toBe(0);
  expect(house.effects('shop')).toBe(0);
  expect(wasDone(await transferTo(house.client, 'shop'))).toBe(true);
  const next = holdOf(await transferTo(house.client, 'shop'));
  expect(next).toBeDefined();
  expect(next).not.toBe(hold);
  expect(house.effects('shop')).toBe(1);
  expect((await answerAs('approve', hold, 'ben')).stderr).toContain('used up');
});

test('abuse 30: 16 redemptions of one approval at once: one effect', async () => {
  const hold = await held('raced');
  await answerAs('approve', hold, 'ann');
  const answers = await Promise.all(Array.from({ length: 16 }, () => transferTo(house.client, 'raced')));
  expect(answers.filter(wasDone)).toHaveLength(1);
  expect(house.effects('raced')).toBe(1);
});

test.each([['another amount', { amount: 11 }], ['one argument more', { memo: { note: 'x' } }], ['a number as text', { amount: '10' }], ['a millionth more', { amount: 10.000001 }]])('abuse 29: an approval does not pass %s', async (name, change) => {
  const hold = await held(name);
  await answerAs('approve', hold, 'ann');
  const answer = await transferTo(house.client, name, change);
  expect(wasDone(answer)).toBe(false);
  expect(holdOf(answer)).not.toBe(hold);
  expect(house.effects(name)).toBe(0);
});

test('abuse 29: an approval is its session\'s and its identity\'s', async () => {
  await answerAs('approve', await held('borrowed'), 'ann');
  const other = await openClient(house.governor, 'other');
  expect(wasDone(await transferTo(other, 'borrowed'))).toBe(false);
  const session = await house.governor.openSession(house.client.token);
  expect(wasDone(await house.client.post(JSON.stringify({ jsonrpc: '2.0', id: 's', method: 'tools/call', params: { name: 'transfer', arguments: { to: 'borrowed', amount: 10 } } }), { 'flyball-session': session }))).toBe(false);
  expect(house.effects('borrowed')).toBe(0);
});

test.each([
  ['the identity itself, registered as a person too', [], 'tester'],
  ['the person for whom it acts', ['--on-behalf-of', 'ann'], 'ann'],
  ['somebody of another group', [], 'dan'],
  ['nobody known', [], 'eve'],
  ['the operator, who is in no group', [], 'operator'],
  ['a name that looks like one', [], 'Ann'],
] as const)('abuse 32: %s cannot agree', async (name, more, person) => {
  const asking = await openClient(house.governor, 'tester', ...more);
  const hold = await held(name, {}, asking);
  const { code, stderr } = await answerAs('approve', hold, person);
  expect(code).not.toBe(0);
  expect(stderr).not.toContain('unexpected');
  expect(wasDone(await transferTo(asking, name))).toBe(false);
  expect(house.effects(name)).toBe(0);
});

test('story: another person may agree to what was asked on somebody\'s behalf', async () => {
  const asking = await openClient(house.governor, 'tester', '--on-behalf-of', 'ann');
  expect((await answerAs('approve', await held('for-ann', {}, asking), 'ben')).code).toBe(0);
  expect(wasDone(await transferTo(asking, 'for-ann'))).toBe(true);
});

test('law: refused stays refused, and nobody can agree to it afterwards', async () => {
  const hold = await held('refused');
  await answerAs('approve', hold, 'ann');
  expect((await answerAs('refuse', hold, 'ben')).code).toBe(0);
  const answer = await transferTo(house.client, 'refused');
  expect(textOf(answer)).toContain('refused');
  expect(decisionOf(resultOf(answer))).toMatchObject({ outcome: 'deny', kind: 'approval_refused' });
  expect((await answerAs('approve', hold, 'cyd')).code).not.toBe(0);
  expect(wasDone(await transferTo(house.client, 'refused'))).toBe(false);
  expect(house.effects('refused')).toBe(0);
});

test('abuse 37: agreeing and refusing race: one order, and what it says is what happens', async () => {
  const hold = await held('contested');
  const [agreed, refused] = await Promise.all([answerAs('approve', hold, 'ann'), answerAs('refuse', hold, 'ben')]);
  expect(refused.code).toBe(0);
  expect([0, 1]).toContain(agreed.code);
  expect(wasDone(await transferTo(house.client, 'contested'))).toBe(false);
  expect(house.effects('contested')).toBe(0);
});

test('abuse 35: two of three: one person counts once, also when asked twice at once; the last two votes race and both count', async () => {
  const hold = await held('large', { amount: 5_000 });
  await Promise.all([answerAs('approve', hold, 'ann'), answerAs('approve', hold, 'ann')]);
  expect(holdOf(await transferTo(house.client, 'large', { amount: 5_000 }))).toBe(hold);
  expect(house.effects('large')).toBe(0);
  await Promise.all([answerAs('approve', hold, 'ben'), answerAs('approve', hold, 'cyd')]);
  expect(wasDone(await transferTo(house.client, 'large', { amount: 5_000 }))).toBe(true);
  expect(house.effects('large')).toBe(1);
});

test('abuse 36: a hold expires by itself, is recorded as expired, and a late yes changes nothing', async () => {
  const hold = await held('late', { amount: 2.5 });
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  const late = await answerAs('approve', hold, 'ann');
  expect(late.code).not.toBe(0);
  expect(late.stderr).toContain('expired');
  expect(holdOf(await transferTo(house.client, 'late', { amount: 2.5 }))).not.toBe(hold);
  await waitFor(async () => ((JSON.parse((await command(house.governor.directory, ['actions', '--json'])).stdout) as { id: string; effect: string }[]).find(({ id }) => id === hold)?.effect === 'expired' ? true : undefined), 10_000);
  expect(house.effects('late')).toBe(0);
});

test('abuse 36: agreed to in time, redeemed too late: it does not happen', async () => {
  const hold = await held('overslept', { amount: 2.5 });
  await answerAs('approve', hold, 'ann');
  await new Promise((resolve) => setTimeout(resolve, 2_100));
  expect(wasDone(await transferTo(house.client, 'overslept', { amount: 2.5 }))).toBe(false);
  expect(house.effects('overslept')).toBe(0);
});

test('abuse 36: asked again the moment a hold expires, the new hold can be agreed to', async () => {
  const hold = await held('again', { amount: 3.5 });
  const next = await waitFor(async () => {
    const now = holdOf(await transferTo(house.client, 'again', { amount: 3.5 }));
    return now === hold ? undefined : now;
  });
  expect((await answerAs('approve', next, 'ann')).stderr).toBe('');
});

test('abuse 31, 41: only a person\'s own token answers a hold: not a machine\'s, not a forged one, not from a page, not by GET', async () => {
  const hold = await held('forged');
  const ask = (init: RequestInit, path = `/v1/holds/${hold}/answer`) => fetch(`${house.governor.administrators}${path}`, init).then(({ status }) => status);
  const post = (authorization: string, more: Record<string, string> = {}): RequestInit => ({ method: 'POST', body: '{"agrees":true}', headers: { 'content-type': 'application/json', authorization, ...more } });
  const nowMs = Date.now();
  const claims = { subject: 'ann', audience: 'flyball:administrators', nowMs, ttlMs: 60_000 };
  const forged = await signLocalToken(generateKeyPairSync('ed25519').privateKey, claims);
  const genuine = await signLocalToken(loadLocalKey(join(house.governor.directory, '.flyball')), claims);
  const expired = await signLocalToken(loadLocalKey(join(house.governor.directory, '.flyball')), { ...claims, nowMs: nowMs - 3_600_000 });
  for (const token of [house.client.token, await house.governor.token('ann').catch(() => 'none'), forged, expired, 'x']) expect(await ask(post(`Bearer ${token}`))).toBe(401);
  expect(await ask({ method: 'POST', body: '{"agrees":true}', headers: { cookie: `token=${genuine}` } })).toBe(401);
  expect(await ask(post(`Bearer ${genuine}`, { origin: 'https://evil.example' }))).toBe(403);
  expect(await ask({ headers: { authorization: `Bearer ${genuine}` } })).toBe(404);
  expect(wasDone(await transferTo(house.client, 'forged'))).toBe(false);
  expect(house.effects('forged')).toBe(0);
});

test('abuse 39: a flood of questions is bounded for each session, and answered ones make room', async () => {
  const asking = await openClient(house.governor, 'other');
  const answers = await Promise.all(Array.from({ length: 130 }, (_, n) => transferTo(asking, `flood-${n}`)));
  const holds = answers.map(holdOf).filter((hold) => hold !== undefined);
  expect(holds.length).toBeLessThanOrEqual(100);
  expect(answers.filter((answer) => holdOf(answer) === undefined).every(({ text }) => text.includes('Nothing has happened'))).toBe(true);
  await answerAs('refuse', holds[0], 'ann');
  expect(holdOf(await transferTo(asking, 'flood-with-room'))).toBeDefined();
});

test('abuse 43: a bundle whose guards ask a group that is gone is not activated; what waits goes on to wait for the people that it was asked of', async () => {
  const hold = await held('orphaned');
  writeFileSync(join(house.governor.directory, 'bundle/people.yaml'), people.replaceAll('[finance]', '[sales]'));
  const { code, stderr } = await command(house.governor.directory, ['reload']);
  expect([code === 0, stderr.includes('nobody in people.yaml is in this group')]).toEqual([false, true]);
  expect(wasDone(await transferTo(house.client, 'orphaned'))).toBe(false);
  expect((await answerAs('approve', hold, 'dan')).code).not.toBe(0);
  expect((await answerAs('approve', hold, 'ann')).code).toBe(0);
  writeFileSync(join(house.governor.directory, 'bundle/people.yaml'), people);
  expect((await command(house.governor.directory, ['reload'])).code).toBe(0);
  expect(wasDone(await transferTo(house.client, 'orphaned'))).toBe(true);
});

test.each([
  [['--cap', 'amount=1', '--cap', 'amount=5'], 'each argument in one `--cap` only'],
  [['--cap', 'amount=11'], 'an answer narrows, it never widens'],
  [['--until', 'tomorrow'], 'as an ISO time with its zone'],
  [['--standing', 'within=1h'], '`count` is missing'],
  [['--standing', 'count=1,within=1h,sum=amount'], '`sum` expects an argument and a number'],
  [['--standing', 'count=1,within=1h'], 'accepts no standing approval'],
  [['--evidence', 'ticket'], '`--evidence` as kind=JSON'],
])('attack: what was meant to make consent smaller and cannot be understood is no consent: %j', async (more, expected) => {
  const hold = await held(`meant-${more.join()}`);
  const { code, stderr } = await command(house.governor.directory, ['approve', hold, '--as', 'ann', ...more]);
  expect([code === 0, stderr]).toEqual([false, expect.stringContaining(expected)]);
  const several = await command(house.governor.directory, ['approve', hold, hold, '--as', 'ann', '--cap', 'amount=1']);
  expect([several.code, several.stderr]).toEqual([2, expect.stringContaining('`--cap` only where one hold is agreed to')]);
});

test('story: who agreed to less is shown beside what is asked, and what ran is in the explanation', async () => {
  const { directory } = house.governor;
  const ask = house.governor.ask.bind(house.governor);
  const show = async (hold: string, ...more: string[]) => (await command(directory, ['show', hold, '--as', 'cyd', ...more])).stdout;
  const rows = async () => (await ask('operator', 'GET', '/v1/holds')).value as unknown as { id: string; state: string; waits_for: string }[];
  const rowOf = async (hold: string) => (await rows()).find(({ id }) => id === hold);
  const hold = await held('less', { amount: 3_000 });
  expect(await rowOf(hold)).toMatchObject({ state: 'pending', waits_for: '1 of finance; 2 of finance' });
  const capped = await command(directory, ['approve', hold, '--as', 'ann', '--cap', 'amount=2000']);
  expect(JSON.parse(capped.stdout)).toMatchObject({ answer: 'agreed', terms: ['amount at most 2000'] });
  expect(await show(hold)).toMatch(/^agreed: ann, [^,]+, amount at most 2000$/m);
  expect(await rowOf(hold)).toMatchObject({ state: 'pending', waits_for: '1 of finance' });
  const again = await command(directory, ['approve', hold, '--as', 'ann', '--cap', 'amount=5']);
  expect(again.stderr).toContain('has agreed already; their answer stands as it was, nothing was changed');
  expect(JSON.parse((await command(directory, ['approve', hold, '--as', 'ben'])).stdout)).not.toHaveProperty('terms');
  expect(await rowOf(hold)).toMatchObject({ state: 'approved', waits_for: '' });
  const told = await fetch(house.governor.url(`/v1/holds/${hold}`), { headers: { authorization: `Bearer ${house.client.token}` } });
  expect(((await told.json()) as { next: string }).next).toContain('for less than was asked: `amount` at most 2000. Now call');
  expect(wasDone(await transferTo(house.client, 'less', { amount: 3_000 }))).toBe(true);
  const [{ id } = { id: '' }] = (await ask('operator', 'GET', '/v1/actions?most=1')).value as unknown as { id: string }[];
  for (const each of [id, hold]) expect((await ask('operator', 'GET', `/v1/actions/${each}`)).value).toMatchObject({ would_have_to_differ: [] });
  const { stdout } = await command(directory, ['explain', id]);
  expect(stdout).toMatch(/^agreed\n {2}ann, [^,]+, amount at most 2000\n {2}ben, [^,]+$/m);
  expect(stdout).toMatch(/^what ran\n {2}args +\{.*"amount":2000.*\}$/m);
  expect(stdout).not.toContain('would have to');
});

test('law: the record says that somebody saw the question when they say so, and only of this question', async () => {
  const { directory } = house.governor;
  const [hold, other] = [await held('seen'), await held('seen-other')];
  const digestOf = async (of: string) => (/^seen: (sha256:[0-9a-f]{64})/m.exec((await command(directory, ['show', of, '--as', 'ann'])).stdout) ?? [])[1] ?? '';
  const [digest, wrong] = [await digestOf(hold), await digestOf(other)];
  expect((await command(directory, ['approve', hold, '--as', 'ann', '--seen', wrong])).stderr).toContain('what was shown is not what is asked');
  expect((await command(directory, ['approve', hold, '--as', 'ann', '--seen', digest])).code).toBe(0);
  expect((await command(directory, ['approve', other, '--as', 'ann'])).code).toBe(0);
  for (const to of ['seen', 'seen-other']) expect(wasDone(await transferTo(house.client, to))).toBe(true);
  const actions = (await house.governor.ask('operator', 'GET', '/v1/actions?most=2')).value as unknown as { id: string }[];
  const agreed = await Promise.all(actions.map(async ({ id }) => String((await house.governor.ask('operator', 'GET', `/v1/actions/${id}`)).value['agreed'])));
  expect(agreed.map((line) => line.includes(`having seen ${digest}`))).toEqual([false, true]);
  const [third, fourth] = [await held('seen-3'), await held('seen-4')];
  expect((await command(directory, ['approve', third, fourth, '--as', 'ann', '--seen', await digestOf(third)])).stderr).toContain('what was shown is not what is asked');
  const both = await Promise.all([third, fourth].map(digestOf));
  expect((await command(directory, ['approve', fourth, third, '--as', 'ben', ...both.flatMap((each) => ['--seen', each])])).code).toBe(0);
});

test('abuse 33, 34: who left the group does not count any more, and another policy is another question', async () => {
  const [left, other] = [await held('left'), await held('other-policy')];
  await answerAs('approve', left, 'cyd');
  await answerAs('approve', other, 'ben');
  writeFileSync(join(house.governor.directory, 'bundle/people.yaml'), people.replace('{ id: cyd, groups: [finance] }', '{ id: cyd, groups: [sales] }'));
  writeFileSync(join(house.governor.directory, 'bundle/policies/money.cedar'), guards.replace('@quorum("2")', '@quorum("3")'));
  expect((await command(house.governor.directory, ['reload'])).code).toBe(0);
  expect(wasDone(await transferTo(house.client, 'left'))).toBe(false);
  expect(wasDone(await transferTo(house.client, 'other-policy'))).toBe(false);
  expect([house.effects('left'), house.effects('other-policy')]).toEqual([0, 0]);
});

test('abuse 42: an approved action whose node is killed at the target is unknown, and the approval is used up', async () => {
  const hold = await held('killed');
  await answerAs('approve', hold, 'ann');
  await house.canary.control({ delayMs: 3_000 });
  const lost = transferTo(house.client, 'killed').catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 600));
  await house.governor.kill('SIGKILL');
  await lost;
  await house.canary.control({ delayMs: 0 });
  await house.restart();
  const answer = await transferTo(house.client, 'killed');
  expect(wasDone(answer)).toBe(false);
  expect(holdOf(answer)).not.toBe(hold);
  expect(house.effects('killed')).toBeLessThanOrEqual(1);
  await house.governor.kill('SIGTERM');
  const record = await readRecord(house.governor.directory);
  expect(record.about('killed').map(({ settles }) => settles)).toEqual([hold]);
});
