import { expect, test } from 'vitest';
import { codesOf, given, judge } from '../test-kit/judge.js';
import { promiseOf, publish, type LogFiles } from '../test-kit/log-files.js';
import { digestOf, person, type SessionEntries, story } from '../test-kit/story.js';
import { canonical, chained, startMs, type TestEntry } from '../test-kit/writer.js';
import type { FindingCode, LogToVerify } from './index.js';

// Every log here is signed with the right key: only what the entries say of each other can give it away.
const attack = (name: string, run: () => Promise<void>) => test(`attack: ${name}`, run);

const another = '01990000-0000-7000-8000-000000000001';

interface Altered {
  readonly entries: readonly TestEntry[];
  readonly first: SessionEntries;
}

function altered(alter: (entries: TestEntry[], first: SessionEntries) => readonly TestEntry[] | void): Altered {
  const { writer, sessions } = story(2);
  const [first] = sessions;
  if (!first) throw new Error('no session');
  return { entries: alter(writer.entries, first) ?? writer.entries, first };
}

const verdictOn = (entries: readonly TestEntry[], more: Partial<LogToVerify> = {}) => judge(publish(entries), more);

/** The one code that an alteration is found by, and the ids that are named with it. */
async function foundIn(entries: readonly TestEntry[], more: Partial<LogToVerify> = {}): Promise<readonly (readonly [FindingCode, string | undefined])[]> {
  const { integrity, completeness } = await verdictOn(entries, more);
  return [...integrity.findings, ...completeness.findings].map(({ code, place }) => [code, place.entry] as const);
}

const without = (entries: readonly TestEntry[], ...gone: readonly TestEntry[]): readonly TestEntry[] => entries.filter((entry) => !gone.includes(entry));
/** The hash of an entry changes, so that whoever is chained to it is named as well: what comes after is chained anew. */
const edited = (change: (first: SessionEntries) => void) => altered((entries, first) => (change(first), chained(entries)));

attack('abuse 68: an entry deleted from the middle leaves a gap in its stream', async () => {
  const { entries, first } = altered((all, { intent }) => without(all, intent));
  expect(await foundIn(entries)).toContainEqual(['stream_gap', first.outcome.id]);
});

attack('abuse 68: an entry deleted and all behind it numbered and chained anew is missed by what refers to it', async () => {
  expect(codesOf(await verdictOn(altered((all, { intent }) => chained(without(all, intent))).entries))).toEqual(['settles_nothing']);
  expect(codesOf(await verdictOn(altered((all, { opened }) => chained(without(all, opened))).entries))).toEqual(['settles_nothing']);
  expect(codesOf(await verdictOn(altered((all, { approvals }) => chained(without(all, ...approvals))).entries))).toEqual(['approval_missing']);
});

attack('abuse 68: a tail that was deleted is missed by promises, and by what waits for it', async () => {
  const { entries } = story(2).writer;
  const promises = entries.map((entry) => given(entry.id, promiseOf(entry)));
  const late = { ...structuredClone(entries[1]), id: '01900000-0000-7000-8000-000000000000', at: startMs + 3_600_000 } as TestEntry;
  const cut = chained([...entries.slice(0, -2), late]);
  expect(codesOf(await verdictOn(cut, { promises }))).toEqual(['session_open', 'outcome_missing', 'promise_broken']);
});

attack('abuse 68: entries whose numbers were exchanged are not chained', async () => {
  const { entries } = altered((all, { opened, outcome }) => {
    const [left, right] = [opened.streams[0], outcome.streams[0]];
    if (left && right) [left.version, right.version] = [right.version, left.version];
    if (left && right) [left.prev, right.prev] = [right.prev ?? '', left.prev ?? ''];
    if (right) delete right.prev;
    return all;
  });
  expect(codesOf(await verdictOn(entries))).toEqual(expect.arrayContaining(['chain_broken', 'time_reversed']));
});

attack('abuse 68: an entry that is there twice is found', async () => {
  const { entries, first } = altered((all, { outcome }) => [...all, outcome]);
  expect(await foundIn(entries)).toEqual([['id_duplicate', first.outcome.id], ['stream_duplicate', first.outcome.id], ['settled_twice', first.outcome.id]]);
});

attack('abuse 68: an entry that was exchanged for another is not what the next one is chained to', async () => {
  const { entries, first } = altered((all, { intent }) => void (intent.payload = digestOf('other')));
  expect(await foundIn(entries)).toEqual([['chain_broken', first.outcome.id]]);
});

attack('abuse 68: a time set back is found along the stream', async () => {
  const { entries, first } = edited(({ intent }) => void (intent.at -= 60_000));
  expect(await foundIn(entries)).toEqual([['time_reversed', first.intent.id]]);
});

attack('an entry claimed for another session', async () => {
  const { entries, first } = edited(({ approvals: [approval] }) => approval && void (approval.body['session'] = 's1'));
  expect(await foundIn(entries)).toEqual([['session_mismatch', first.approvals[0]?.id], ['approval_mismatch', first.intent.id]]);
  const elsewhere = edited(({ outcome }) => void (outcome.streams = [{ stream: 'node:x', version: 1 }]));
  expect(await foundIn(elsewhere.entries)).toEqual([['session_mismatch', elsewhere.first.outcome.id]]);
  const both = edited(({ outcome }) => void outcome.streams.push({ stream: 'session:s1', version: 1 }));
  expect(await foundIn(both.entries)).toContainEqual(['session_mismatch', both.first.outcome.id]);
});

attack('a refusal that is hidden from its session', async () => {
  const { entries } = altered((all) => {
    const refusal = all.find(({ kind }) => kind === 'refusal');
    if (refusal) refusal.streams = [{ stream: 'node:x', version: 1 }];
    return chained(all);
  });
  expect(await foundIn(entries)).toEqual([['session_mismatch', entries.find(({ kind }) => kind === 'refusal')?.id]]);
});

attack('an intent without outcome, overdue and under way', async () => {
  const { entries, first } = altered((all, { outcome }) => chained(without(all, outcome)));
  const young = await verdictOn(entries);
  expect([young.completeness.holds, young.counts.underWay]).toEqual([true, { intents: 1, holds: 0, sessions: 0, authorities: 0 }]);
  const deadline = first.intent.deadline ?? 0;
  expect(codesOf(await verdictOn(entries, { now: deadline + 300_000 }))).toEqual([]);
  expect(await foundIn(entries, { now: deadline + 300_001 })).toEqual([['outcome_missing', first.intent.id]]);
});

attack('a hold and a session that never end', async () => {
  const { entries, first } = altered((all, { hold, ended }) => chained(without(all.filter((entry) => entry.settles !== hold.id && entry.kind !== 'approval' && !(entry.kind === 'outcome' && entry.settles !== all[3]?.id && entry.body['session'] === 's0')), ended)));
  const found = await foundIn(entries, { now: startMs + 86_400_000 });
  expect(found).toEqual(expect.arrayContaining([['hold_open', first.hold.id], ['session_open', first.opened.id]]));
});

attack('an intent with two outcomes', async () => {
  const { entries } = altered((all, { outcome }) => chained([...all, { ...structuredClone(outcome), id: another, at: all.at(-1)?.at ?? 0, body: { ...outcome.body, effect: 'failed' } }]));
  expect(await foundIn(entries)).toEqual([['settled_twice', another]]);
});

attack('an entry that settles what it may not', async () => {
  const wrongKind = edited(({ outcome, hold }) => void (outcome.settles = hold.id));
  expect(codesOf(await verdictOn(wrongKind.entries))).toEqual(['settled_twice']);
  const other = altered((all, { outcome }) => {
    outcome.settles = all[all.length - 1]?.settles ?? '';
    return chained(all);
  });
  expect(codesOf(await verdictOn(other.entries))).toContain('settles_nothing');
  const quiet = edited(({ outcome, approvals: [approval] }) => void (outcome.settles = approval?.id ?? ''));
  expect(codesOf(await verdictOn(quiet.entries))).toEqual(['settles_wrongly']);
  const digest = edited(({ hold }) => void (hold.body['digest'] = digestOf('another')));
  expect(codesOf(await verdictOn(digest.entries))).toEqual(['settles_wrongly']);
});

attack('an approval for another digest, session or hold', async () => {
  for (const [name, value] of [['digest', digestOf('1,000')], ['hold', '01990000-0000-7000-8000-000000000001']] as const) {
    const { entries, first } = edited(({ approvals: [approval] }) => approval && void (approval.body[name] = value));
    expect([name, await foundIn(entries)]).toEqual([name, [['approval_mismatch', first.intent.id]]]);
  }
});

attack('an approval that was used before', async () => {
  const { writer, sessions } = story(2);
  const [first, second] = sessions;
  if (!first || !second) throw new Error('no session');
  second.intent.body['approvals'] = first.approvals.map(({ id }) => id);
  expect(await foundIn(chained(writer.entries))).toEqual([['approval_missing', second.intent.id], ['approval_missing', second.intent.id]]);
});

attack('the same person twice, and the person whom it is for', async () => {
  const twice = edited(({ approvals }) => approvals.forEach(({ body }) => void (body['person'] = person('bob'))));
  expect(await foundIn(twice.entries)).toEqual([['approver_repeated', twice.first.intent.id]]);
  const own = edited(({ approvals: [approval] }) => approval && void (approval.body['person'] = person('ann')));
  expect(await foundIn(own.entries)).toEqual([['approval_mismatch', own.first.intent.id]]);
});

attack('fewer approvals than the decision asks for', async () => {
  const { entries, first } = edited(({ intent }) => void (intent.body['approvals'] = [(intent.body['approvals'] as string[])[0]]));
  expect(await foundIn(entries)).toEqual([['approval_missing', first.intent.id]]);
});

attack('a decision under a bundle that was never activated, or only later', async () => {
  const unknown = edited(({ intent }) => void ((intent.body['decision'] as Record<string, unknown>)['bundle'] = digestOf('mine')));
  expect(await foundIn(unknown.entries)).toEqual([['bundle_unknown', unknown.first.intent.id]]);
  const { entries } = altered((all) => {
    const activated = all.find(({ kind }) => kind === 'bundle.activated');
    if (activated) activated.at += 3_600_000;
    return chained(all);
  });
  expect(codesOf(await verdictOn(entries))).toEqual(['bundle_unknown']);
});

attack('an entry of another tenant', async () => {
  const { entries, first } = edited(({ outcome }) => void (outcome.tenant = 'other'));
  expect(await foundIn(entries)).toEqual([['tenant_foreign', first.outcome.id]]);
});

const malformed: readonly (readonly [string, (entry: TestEntry) => void])[] = [
  ['another version', (entry) => void (entry.v = 2)],
  ['a member that no entry has', (entry) => void (entry['note'] = 'x')],
  ['an id of another kind', (entry) => void (entry.id = entry.id.replace('-7', '-4'))],
  ['an unknown kind', (entry) => void (entry.kind = 'payment')],
  ['a time that is none', (entry) => void (entry.at = 1.5)],
  ['no stream', (entry) => void (entry.streams = [])],
  ['one stream twice', (entry) => void (entry.streams = [...entry.streams, ...entry.streams])],
  ['version 0', (entry) => entry.streams.forEach((position) => void (position.version = 0))],
  ['a first entry with one before', (entry) => entry.streams.forEach((position) => void (position.version = 1))],
  ['a later entry with none before', (entry) => entry.streams.forEach((position) => delete position.prev)],
  ['an intent that need not end', (entry) => delete entry.deadline],
  ['a digest that is none', (entry) => void (entry.payload = 'sha256:00')],
  ['no session', (entry) => delete entry.body['session']],
  ['approvals that are no list', (entry) => void (entry.body['approvals'] = 'all')],
  ['no digest', (entry) => delete entry.body['digest']],
];

test.each(malformed)('attack: a signed leaf with %s is no entry', async (_, damage) => {
  const { entries, first } = altered((_all, { intent }) => void damage(intent));
  const { integrity, completeness } = await verdictOn(entries);
  expect(integrity.findings).toMatchObject([{ code: 'entry_malformed', place: { index: entries.indexOf(first.intent) } }]);
  expect(completeness.holds).toBe(false);
});

test('attack: a signed leaf that is not canonical JSON is no entry', async () => {
  const { writer } = story(1);
  const files: LogFiles = publish([...writer.entries.slice(0, 2), new Uint8Array(Buffer.from('{"v": 1}')), Uint8Array.of(0xff), new Uint8Array()]);
  const { integrity } = await judge(files);
  expect(integrity.findings.map(({ code, place }) => [code, place.index])).toEqual([['entry_malformed', 2], ['entry_malformed', 3], ['entry_malformed', 4]]);
});

test('attack: a signed leaf with a byte that is no UTF-8 is not read as what it looks like', async () => {
  const { writer } = story(1);
  const [first] = writer.entries;
  const bytes = Buffer.from(canonical(first));
  bytes[bytes.indexOf('active')] = 0xff;
  const { integrity } = await judge(publish([new Uint8Array(bytes), ...writer.entries.slice(1)]));
  expect(integrity.findings).toMatchObject([{ code: 'entry_malformed', message: expect.stringContaining('UTF-8') as string, place: { index: 0 } }]);
});
