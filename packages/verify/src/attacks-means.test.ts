import { expect, test } from 'vitest';
import { judge } from '../test-kit/judge.js';
import { publish } from '../test-kit/log-files.js';
import { begin, bundle, digestOf, person } from '../test-kit/story.js';
import { chained, type TestEntry, TestWriter } from '../test-kit/writer.js';
import type { FindingCode } from './index.js';

// Every log here is signed with the right key: only what the entries say of each other can give it away.
const minute = 60_000;
const rule = (over: object = {}) => ({ policy: 'money', approvers: 'finance', quorum: 1, evidence: [], withinMs: 4 * minute, reason: 'large', ...over });
const decided = (say: string, decision: object) => ({ session: 's', identity: 'agent', on_behalf_of: person('ann'), chain: [], method: 'oidc', action: 'money.move', tier: 'act', upstream: 'bank', name: 'transfer', digest: digestOf(say), decision: { outcome: 'step_up', kind: 'needs_approval', policies: [], approvals: [], facts: [], bundle, ...decision }, gateway: 'mcp' });

interface Story {
  readonly granted: TestEntry;
  readonly opened: TestEntry;
  readonly confirmed: TestEntry;
  readonly ended: TestEntry;
  readonly reviewed: TestEntry;
  readonly approval: TestEntry;
  /** By a standing approval, twice; in an emergency; by one who speaks for another and a standing approval together. */
  readonly uses: readonly [TestEntry, TestEntry, TestEntry, TestEntry];
  readonly all: TestEntry[];
}

function story(): Story {
  const writer = new TestWriter();
  begin(writer);
  const session = writer.add({ kind: 'session.opened', streams: ['session:s'], deadlineMs: 60 * minute, body: { session: 's', identity: 'agent', on_behalf_of: person('ann'), capabilities: [], implicit: false, inherited: [] }, content: '{"purpose":"pay"}' });
  const granted = writer.add({ kind: 'standing.granted', streams: ['standing:money'], deadlineMs: 10 * minute, body: { policy: 'money', identity: 'agent', on_behalf_of: person('ann'), action: 'money.move', free: ['amount'], count: 3, sum: { argument: 'amount', most: 100 }, votes: [], evidence: [], asked_at: 0 }, content: '{"scope":"{}"}' });
  const use = (say: string, decision: object, means: readonly object[], streams: readonly string[], more: { settles?: string; approvals?: readonly string[] } = {}) => {
    const intent = writer.add({ kind: 'intent', streams: ['session:s', ...streams], deadlineMs: minute, body: { ...decided(say, decision), labels: [], spends: {}, approvals: more.approvals ?? [], means }, content: '{}', ...(more.settles !== undefined && { settles: more.settles }) });
    writer.add({ kind: 'outcome', streams: ['session:s'], settles: intent.id, body: { session: 's', action: 'money.move', effect: 'succeeded', findings: [] } });
    return intent;
  };
  const standing = (spent: number) => ({ kind: 'standing', id: granted.id, spent });
  const first = use('one', { approvals: [rule({ quorum: 2 })] }, [standing(400_000)], ['standing:money']);
  const second = use('two', { approvals: [rule()] }, [standing(600_000)], ['standing:money']);
  const opened = writer.add({ kind: 'emergency.opened', streams: ['emergency:outage'], deadlineMs: 10 * minute, body: { name: 'outage', person: person('bob'), identity: '*', action: '*', second: true }, content: '{}' });
  const confirmed = writer.add({ kind: 'emergency.confirmed', streams: ['emergency:outage'], body: { name: 'outage', emergency: opened.id, person: person('carol') } });
  const third = use('three', { outcome: 'defer', approvals: [rule({ emergency: 'outage' })], facts: [{ policy: 'window', needs: ['x'], withinMs: 1, reason: 'r', emergency: 'outage' }] }, [{ kind: 'emergency', id: opened.id }], ['emergency:outage']);
  const ended = writer.add({ kind: 'emergency.ended', streams: ['emergency:outage'], settles: opened.id, body: { name: 'outage', emergency: opened.id, person: person('bob'), status: 'ended' } });
  const reviewed = writer.add({ kind: 'emergency.reviewed', streams: ['emergency:outage'], body: { name: 'outage', emergency: opened.id, person: person('dora'), uses: 1 }, content: '{}' });
  const both = { approvals: [rule(), rule({ policy: 'other', approvers: 'security' })] };
  const hold = writer.add({ kind: 'hold', streams: ['session:s'], deadlineMs: 4 * minute, body: decided('four', both), content: '{}' });
  const approval = writer.add({ kind: 'approval', streams: ['session:s'], body: { session: 's', digest: digestOf('four'), person: person('eve'), authority: person('bob'), groups: ['security'], hold: hold.id }, content: '{}' });
  const fourth = use('four', both, [standing(0)], ['standing:money'], { settles: hold.id, approvals: [approval.id] });
  writer.add({ kind: 'standing.ended', streams: ['standing:money'], settles: granted.id, body: { status: 'expired' } });
  writer.add({ kind: 'session.ended', streams: ['session:s'], settles: session.id, body: { session: 's', reason: 'ended' } });
  return { granted, opened, confirmed, ended, reviewed, approval, uses: [first, second, third, fourth], all: writer.entries };
}

/** The codes that an alteration is found by, and the entries that are named with them. */
async function foundIn(alter: (story: Story) => readonly TestEntry[] | void): Promise<readonly (readonly [FindingCode, string | undefined])[]> {
  const given = story();
  const { integrity, completeness } = await judge(publish(chained(alter(given) ?? given.all)));
  return [...integrity.findings, ...completeness.findings].map(({ code, place }) => [code, place.entry] as const);
}
const { uses: [first, second, third, fourth], ...ids } = story();
const without = (all: readonly TestEntry[], gone: TestEntry) => all.filter((entry) => entry !== gone);
/** An entry comes earlier than it did: all are dated anew, as one who writes the log anew would. */
function moved(all: readonly TestEntry[], what: TestEntry, before: TestEntry): readonly TestEntry[] {
  const order = without(all, what);
  return order.toSpliced(order.indexOf(before), 0, what).map((entry) => ({ ...entry, at: what.at < before.at ? Math.max(entry.at, what.at) : Math.min(entry.at, before.at) }));
}

test('what stands in for approvals is believed where it was given before and goes so far', async () => {
  expect(await foundIn(() => undefined)).toEqual([]);
});

test.each<[string, (story: Story) => readonly TestEntry[] | void, readonly (readonly [FindingCode, string | undefined])[]]>([
  ['a standing approval that was never given', ({ uses: [use] }) => void ((use.body['means'] as { id: string }[])[0] = { ...(use.body['means'] as { id: string }[])[0], id: '01990000-0000-7000-8000-000000000001' }), [['approval_missing', first.id], ['approval_missing', first.id]]],
  ['one that was ended before', ({ all, uses: [, use] }) => moved(all, all.find(({ kind }) => kind === 'standing.ended') as TestEntry, use), [['approval_missing', second.id], ['approval_missing', second.id], ['approval_missing', fourth.id]]],
  ['an emergency that was ended before', ({ all, ended, uses: [, , use] }) => moved(all, ended, use), [['approval_missing', third.id], ['approval_missing', third.id]]],
  ['a standing approval as an emergency', ({ uses: [use] }) => void ((use.body['means'] as { kind: string }[])[0] = { ...(use.body['means'] as { kind: string }[])[0], kind: 'emergency' }), [['approval_missing', first.id], ['approval_missing', first.id]]],
  ['one whose time is over', ({ granted }) => void (granted.deadline = granted.at - 60_000), [['approval_mismatch', first.id], ['approval_mismatch', second.id], ['approval_mismatch', fourth.id]]],
  ['one that is used too often', ({ granted }) => void (granted.body['count'] = 2), [['approval_mismatch', fourth.id]]],
  ['one of which too much is drawn', ({ granted }) => void (granted.body['sum'] = { argument: 'amount', most: 99.9999 }), [['approval_mismatch', second.id], ['approval_mismatch', fourth.id]]],
  ['one for another identity', ({ granted }) => void (granted.body['identity'] = 'other'), [['approval_mismatch', first.id], ['approval_mismatch', second.id], ['approval_mismatch', fourth.id]]],
  ['one for another person', ({ granted }) => void (granted.body['on_behalf_of'] = person('zoe')), [['approval_mismatch', first.id], ['approval_mismatch', second.id], ['approval_mismatch', fourth.id]]],
  ['one of another policy', ({ granted }) => void (granted.body['policy'] = 'elsewhere'), [['approval_missing', first.id], ['approval_missing', second.id]]],
  ['an emergency that nobody confirmed', ({ all, confirmed }) => without(all, confirmed), [['approval_mismatch', third.id]]],
  ['an emergency that who declared it confirmed', ({ confirmed }) => void (confirmed.body['person'] = person('bob')), [['approver_repeated', ids.confirmed.id]]],
  ['an emergency that who declared it reviewed', ({ reviewed }) => void (reviewed.body['person'] = person('bob')), [['approver_repeated', ids.reviewed.id]]],
  ['an emergency of another name than the guard\'s', ({ opened }) => void (opened.body['name'] = 'other'), [['approval_missing', third.id]]],
  ['nothing that stands in', ({ uses: [use] }) => void (use.body['means'] = []), [['approval_missing', first.id]]],
  ['facts that nothing stands in for', ({ uses: [, , use] }) => void ((use.body['decision'] as { facts: object[] }).facts[0] = { policy: 'window', needs: ['x'] }), [['approval_missing', third.id]]],
  ['two groups of one policy, and one person', ({ uses: [, , , use] }) => void ((use.body['decision'] as { approvals: object[] }).approvals[0] = rule({ policy: 'other' })), [['approval_missing', fourth.id]]],
  ['an answer by the right of the one whom it is for', ({ approval }) => void (approval.body['authority'] = person('ann')), [['approval_mismatch', fourth.id]]],
  ['means that are no list', ({ uses: [use] }) => void (use.body['means'] = 'all'), [['approval_missing', first.id], ['approval_missing', first.id]]],
  ['means that are nothing', ({ uses: [use] }) => void (use.body['means'] = [null, 5, {}]), [['approval_missing', first.id], ['approval_missing', first.id], ['approval_missing', first.id], ['approval_missing', first.id]]],
])('attack: %s', async (_name, alter, expected) => {
  expect(await foundIn(alter)).toEqual(expected);
});

test('attack: abuse 35: one who answered, and another in their name', async () => {
  expect(
    await foundIn(({ all, approval, uses: [, , , use] }) => {
      const again = { ...structuredClone(approval), id: '01990000-0000-7000-8000-000000000002' };
      again.body['person'] = again.body['authority'] = person('bob');
      (use.body['approvals'] as string[]).push(again.id);
      return all.toSpliced(all.indexOf(approval) + 1, 0, again);
    }),
  ).toEqual([['approver_repeated', fourth.id]]);
});

test('attack: abuse 30: an approval of a question that another one replaced', async () => {
  expect(
    await foundIn(({ all, approval, uses: [, , , use] }) => {
      const hold = all.find(({ kind }) => kind === 'hold') as TestEntry;
      const next = { ...structuredClone(hold), id: '01990000-0000-7000-8000-000000000003', at: approval.at, settles: hold.id };
      use.settles = next.id;
      return all.toSpliced(all.indexOf(approval) + 1, 0, next);
    }),
  ).toEqual([['approval_missing', fourth.id]]);
});

test('attack: authority that nobody ended is overdue, and under way until then', async () => {
  expect(await foundIn(({ all }) => all.filter(({ kind }) => kind !== 'standing.ended'))).toEqual([]);
  const late = await foundIn(({ all, granted }) => {
    granted.deadline = granted.at - 3_600_000;
    return all.filter(({ kind }) => kind !== 'standing.ended');
  });
  expect(late).toContainEqual(['authority_open', ids.granted.id]);
});
