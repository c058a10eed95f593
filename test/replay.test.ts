import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { replay, type ReplayOptions } from '../packages/server/src/cli/replay.js';
import { loadConfig } from '../packages/server/src/config.js';
import type { CandidateReport, VerifyReport } from '../packages/server/src/policy/index.js';
import { openEmbedded } from '../packages/server/src/store/open.js';
import { type ExportedRecord, readRecord, type RecordedEntry } from './support/exported-record.js';
import { type Story, storyBundle, tellStory, writeBundle } from './support/replay-story.js';

let story: Story;
let record: ExportedRecord;
const folders: string[] = [];
beforeAll(async () => {
  story = await tellStory();
  await story.governor.stop();
  record = await readRecord(story.governor.directory);
});
afterAll(async () => {
  story?.canary.stop();
  await story?.governor.remove();
  folders.forEach((folder) => rmSync(folder, { recursive: true, force: true }));
});

async function replayed(directory: string, options: ReplayOptions): Promise<{ readonly code: number; readonly text: string }> {
  let text = '';
  const code = await replay(loadConfig(join(directory, 'flyball.yaml'), {}), options, (line) => (text += `${line}\n`));
  return { code, text };
}

async function verified(directory = story.governor.directory): Promise<VerifyReport & { readonly code: number }> {
  const { code, text } = await replayed(directory, { verify: true, json: true, most: '1000' });
  return { ...(JSON.parse(text) as VerifyReport), code };
}

/** The record in a folder of its own, with something done to it. */
async function altered(sql: string, values: readonly unknown[] = []): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-replay-'));
  folders.push(folder);
  cpSync(story.governor.directory, folder, { recursive: true, filter: (path) => !path.endsWith('.sock') });
  const store = await openEmbedded(join(folder, '.flyball'), 'default');
  try {
    const { rowCount } = await store.pool.query(sql, [...values]);
    expect(rowCount).toBeGreaterThan(0);
  } finally {
    await store.close();
  }
  return folder;
}

function candidate(over: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-candidate-'));
  folders.push(folder);
  writeBundle(folder, over);
  return folder;
}

async function tried(over: Readonly<Record<string, string>>): Promise<CandidateReport & { readonly code: number }> {
  const { code, text } = await replayed(story.governor.directory, { policy: candidate(over), json: true, most: '1000' });
  return { ...(JSON.parse(text) as CandidateReport), code };
}

const decisionOf = ({ body }: RecordedEntry) => body['decision'] as { readonly outcome: string; readonly kind: string } | undefined;
const decided = () => record.entries.filter((entry) => decisionOf(entry) !== undefined);
const byTime = (entries: readonly RecordedEntry[]) => [...entries].sort((left, right) => left.at - right.at || (left.id < right.id ? -1 : 1));

test('the story meets every outcome', () => {
  expect(new Set(decided().map((entry) => decisionOf(entry)?.outcome))).toEqual(new Set(['allow', 'deny', 'modify', 'step_up', 'defer']));
});

describe('flyball replay --verify', () => {
  test('law: every recorded decision comes out as it was recorded, on inputs that the record bears out', async () => {
    const report = await verified();
    expect(report.different.first).toEqual([]);
    expect(report).toMatchObject({ code: 0, same: decided().length, near: { count: 0 }, erasedPast: { count: 0 }, opa: 0, gaps: 0 });
    expect(report.decisions).toBe(report.same);
    expect((await replayed(story.governor.directory, { verify: true })).text).toContain(`${report.same} of ${report.same} decisions made again are the same (100 %); 0 differ`);
  });

  const some = (kind: string, outcome: string) => decided().find((entry) => entry.kind === kind && decisionOf(entry)?.outcome === outcome)?.id ?? '';

  test.each<readonly [what: string, part: string, sql: string, id: () => string]>([
    ['an altered payload, also where the decision would be the same', 'payload', "update payload set content = replace(content, '\"to\":\"bob\"', '\"to\":\"eve\"') where entry = $1", () => record.about('bob')[0]?.id ?? ''],
    ['an altered outcome', 'decision', "update entry set body = replace(body, '\"outcome\":\"allow\"', '\"outcome\":\"modify\"') where id = $1", () => some('intent', 'allow')],
    ['an altered kind', 'decision', "update entry set body = replace(body, '\"kind\":\"forbidden\"', '\"kind\":\"no_permit\"') where id = $1", () => some('refusal', 'deny')],
    ['a policy that is left out', 'decision', "update entry set body = replace(body, '{\"effect\":\"permit\",\"policy\":\"open\",\"result\":\"satisfied\"},', '') where id = $1", () => some('intent', 'modify')],
    ['an altered condition of an approval', 'decision', "update entry set body = replace(body, '\"quorum\":1', '\"quorum\":2') where id = $1", () => some('hold', 'step_up')],
    ['an altered action', 'call', "update entry set body = replace(body, '\"identity\":\"tester\"', '\"identity\":\"other\"') where id = $1", () => some('intent', 'allow')],
  ])('attack: %s is listed with both sides', async (_what, part, sql, id) => {
    const { code, different, same } = await verified(await altered(sql, [id()]));
    expect(code).toBe(1);
    expect(different.first.map(({ entry, part: where }) => [entry.id, where])).toEqual([[id(), part]]);
    expect(different.first[0]?.recorded).not.toEqual(different.first[0]?.again);
    expect(same).toBe(decided().length - 1);
  });

  test('attack: a label that is taken out of the record is missed in every decision after it', async () => {
    const read = record.entries.find(({ kind, body }) => kind === 'intent' && body['action'] === 'customer.read');
    const { different } = await verified(await altered("update entry set body = replace(body, '\"labels\":[\"pii\"]', '\"labels\":[]') where id = $1", [read?.id]));
    const after = decided().filter(({ at, id, body }) => body['identity'] === 'tester' && at >= (read?.at ?? 0) && id !== read?.id);
    expect(different.first.map(({ entry }) => entry.id).sort()).toEqual(after.map(({ id }) => id).sort());
    expect(new Set(different.first.map(({ part }) => part))).toEqual(new Set(['session']));
  });

  test('attack: an earlier amount that is altered is missed in the budget after it', async () => {
    const [first] = byTime(record.about('ann'));
    const { different } = await verified(await altered("update entry set body = replace(body, '\"spends\":{\"eur\":300000}', '\"spends\":{\"eur\":1}') where id = $1", [first?.id]));
    const session = decided().filter(({ at, id, body }) => body['session'] === first?.body['session'] && at >= (first?.at ?? 0) && id !== first?.id);
    expect(different.first.map(({ entry }) => entry.id).sort()).toEqual(session.map(({ id }) => id).sort());
  });

  test('law: what was erased is listed, and never called the same', async () => {
    const [erased] = byTime(record.about('ann'));
    const folder = await altered('delete from payload where entry = $1', [erased?.id]);
    const report = await verified(folder);
    expect(report.left.erased.first.map(({ id }) => id)).toEqual([erased?.id]);
    expect(report.different.first).toEqual([]);
    expect(report.same).toBe(decided().length - 1);
    // The clause on payments to one payee looked back at it.
    expect(report.erasedPast.first.map(({ id }) => id)).toEqual(byTime(record.entries.filter(({ body, kind }) => body['action'] === 'money.move' && kind === 'refusal')).slice(0, 1).map(({ id }) => id));
    expect((await replayed(folder, { verify: true })).text).toContain('1 decisions whose inputs were erased: not made again');
  });

  test('law: a bundle that is not in the record is said, and nothing is called the same', async () => {
    const { code, same, left } = await verified(await altered("delete from payload p using entry e where e.id = p.entry and e.kind = 'bundle.activated'"));
    expect({ code, same, bundles: Object.values(left.bundles) }).toEqual({ code: 1, same: 0, bundles: [decided().length] });
  });

  test('attack: a bundle with other files is not the one that decided', async () => {
    const { code, same } = await verified(await altered("update payload p set content = replace(content, 'three-an-hour', 'four-an-hour') from entry e where e.id = p.entry and e.kind = 'bundle.activated'"));
    expect({ code, same }).toEqual({ code: 1, same: 0 });
  });
});

const add = (policy: string) => ({ 'policies/later.cedar': policy });
const moves = () => byTime(decided()).filter(({ body }) => body['action'] === 'money.move');
const flippedIds = ({ flips }: CandidateReport) => flips.first.map(({ entry }) => entry.id).sort();

describe('flyball replay --policy', () => {
  test('law: the very bundle that decided flips nothing, and neither does one that says the same in other words', async () => {
    expect(await tried({})).toMatchObject({ code: 0, flips: { count: 0 }, same: decided().length, unreadable: { count: 0 } });
    const reworded = (storyBundle['policies/open.cedar'] ?? '').replace('temporal { count_within', 'temporal {  count_within').replaceAll('"open"', '"opened"');
    expect(await tried({ 'policies/open.cedar': reworded })).toMatchObject({ code: 0, flips: { count: 0 }, same: decided().length });
  });

  test('story: a new clause flips exactly the payments with two before them, because of those two', async () => {
    const report = await tried(add('@id("two") @reason("two payments an hour")\nforbid (principal, action == Action::"money.move", resource)\nwhen temporal { count_within(1h, Action::"money.move"::request{}) > 2 };\n'));
    const begun = byTime(record.entries.filter(({ kind, body }) => kind === 'intent' && body['action'] === 'money.move'));
    const earlier = (entry: RecordedEntry) => begun.filter(({ at, id, body }) => body['identity'] === entry.body['identity'] && at <= entry.at && id !== entry.id && !(at === entry.at && id > entry.id));
    const expected = moves().filter((entry) => earlier(entry).length >= 2 && decisionOf(entry)?.outcome !== 'deny');
    expect(expected.length).toBeGreaterThan(2);
    expect(flippedIds(report)).toEqual(expected.map(({ id }) => id).sort());
    expect(report).toMatchObject({ code: 1, stricter: expected.length, looser: 0, other: 0, byAction: { 'money.move': { stricter: expected.length } }, byPolicy: { two: { stricter: expected.length } } });
    for (const flip of report.flips.first) {
      const entry = expected.find(({ id }) => id === flip.entry.id);
      expect(flip.causes.entries.map(({ id }) => id).sort()).toEqual((entry ? earlier(entry) : []).map(({ id }) => id).sort());
      expect(flip.now.policies).toEqual([expect.objectContaining({ policy: 'two', place: 'policies/later.cedar:1', because: [expect.stringContaining('count_within(1h') as string] })]);
    }
  });

  test('story: a new label sees the past, in every session of the identity', async () => {
    const catalogue = (storyBundle['catalogue.yaml'] ?? '').replace('name: echo.use, tier: inspect,', 'name: echo.use, tier: inspect, reads: [chatter],');
    const report = await tried({ 'catalogue.yaml': catalogue, ...add('@id("quiet") forbid (principal, action == Action::"money.move", resource) when { context.session.labels.contains("chatter") };\n') });
    const echoes = byTime(record.entries.filter(({ kind, body }) => kind === 'intent' && body['action'] === 'echo.use'));
    const firstOf = (identity: unknown) => echoes.find(({ body }) => body['identity'] === identity);
    const expected = moves().filter((entry) => (firstOf(entry.body['identity'])?.at ?? Infinity) <= entry.at && decisionOf(entry)?.outcome !== 'deny');
    expect(flippedIds(report)).toEqual(expected.map(({ id }) => id).sort());
    for (const flip of report.flips.first) expect(flip.causes.entries.map(({ id }) => id)).toContain(firstOf(expected.find(({ id }) => id === flip.entry.id)?.body['identity'])?.id);
  });

  test('story: a new budget counts what was drawn before it was there', async () => {
    const catalogue = (storyBundle['catalogue.yaml'] ?? '').replace('spends: { eur: amount }', 'spends: { eur: amount, moved: amount }');
    const report = await tried({ 'catalogue.yaml': catalogue, ...add('@id("moved") forbid (principal, action == Action::"money.move", resource) when { context.session.spent.moved.greaterThanOrEqual(decimal("60.0")) };\n') });
    const drawn = (entry: RecordedEntry) => byTime(record.entries.filter(({ kind, body, at, id }) => kind === 'intent' && body['session'] === entry.body['session'] && body['action'] === 'money.move' && (at < entry.at || (at === entry.at && id < entry.id))));
    const sum = (entry: RecordedEntry) => drawn(entry).reduce((total, { body }) => total + ((body['spends'] as { eur: number }).eur ?? 0), 0) / 10_000;
    const expected = moves().filter((entry) => sum(entry) >= 60 && decisionOf(entry)?.outcome !== 'deny');
    expect(flippedIds(report)).toEqual(expected.map(({ id }) => id).sort());
    expect(expected.length).toBeGreaterThan(0);
    for (const flip of report.flips.first) expect(flip.causes.entries.map(({ id }) => id).sort()).toEqual(drawn(expected.find(({ id }) => id === flip.entry.id) ?? moves()[0] as RecordedEntry).map(({ id }) => id).sort());
  });

  test('story: a rule that is taken away makes looser, and what it looked at is the cause', async () => {
    const without = (storyBundle['policies/open.cedar'] ?? '').replace(/@id\("no-leak"\)[^;]*;/, '');
    const report = await tried({ 'policies/open.cedar': without });
    const leaks = decided().filter(({ kind, body }) => kind === 'refusal' && body['action'] === 'echo.use');
    const read = record.entries.find(({ kind, body }) => kind === 'intent' && body['action'] === 'customer.read');
    expect(flippedIds(report)).toEqual(leaks.map(({ id }) => id).sort());
    expect(report).toMatchObject({ looser: leaks.length, stricter: 0 });
    for (const { then, now, causes } of report.flips.first) {
      expect(then.policies[0]).toMatchObject({ policy: 'no-leak', because: [expect.stringContaining('context.session.labels = ["pii"]') as string, expect.anything()] });
      expect(now.outcome).toBe('allow');
      expect(causes.entries).toEqual([expect.objectContaining({ id: read?.id, because: 'gave the label `pii`' })]);
    }
  });

  test('story: other terms are told apart from stricter and looser ones, an identity that is gone and an action that is gone are denied', async () => {
    const other = await tried({ 'policies/open.cedar': (storyBundle['policies/open.cedar'] ?? '').replace('limit=10', 'limit=5') });
    expect(other).toMatchObject({ other: 1, stricter: 0, looser: 0, byAction: { 'customer.read': { other: 1 } } });
    const gone = await tried({ 'identities.yaml': (storyBundle['identities.yaml'] ?? '').replace(/ {2}- \{ id: other.*\n/, '') });
    const ofOther = decided().filter((entry) => entry.body['identity'] === 'other' && decisionOf(entry)?.outcome !== 'deny');
    expect(flippedIds(gone)).toEqual(ofOther.map(({ id }) => id).sort());
    expect(new Set(gone.flips.first.map(({ now }) => now.kind))).toEqual(new Set(['identity']));
    const renamed = await tried({ 'catalogue.yaml': (storyBundle['catalogue.yaml'] ?? '').replace(/ {2}- \{ name: anything.use.*\n/, '').replace('upstream: canary, name: delete_everything', 'upstream: elsewhere, name: delete_everything') });
    expect(renamed.flips.first.filter(({ entry }) => entry.action === 'all.delete').map(({ then, now }) => [then.outcome, now.kind])).toEqual([['defer', 'unknown_action']]);
  });

  test('story: for reading, the summary comes first, then each flip with what it comes from', async () => {
    const { code, text } = await replayed(story.governor.directory, { policy: candidate(add('@id("none") forbid (principal, action == Action::"money.move", resource) when { context.session.labels.contains("pii") };\n')), most: '1' });
    const [first = ''] = text.split('\n');
    expect(code).toBe(1);
    expect(first).toMatch(/^\d+ of \d+ decisions flip: \d+ stricter, 0 looser, 0 with the same outcome on other terms; \d+ stay the same$/);
    expect(text).toContain('the past is taken as it was recorded: an earlier decision that would have flipped still happened');
    for (const part of ['by action', 'by policy', 'flips', 'then: ', 'now: deny (forbidden)', 'none: satisfied (policies/later.cedar:1)', 'because of', 'gave the label `pii`']) expect(text).toContain(part);
  });

  test.each([[{}], [{ verify: true, policy: '.' }], [{ verify: true, most: 'x' }]])('story: what cannot be asked is a usage error: %j', async (options) => {
    await expect(replayed(story.governor.directory, options)).rejects.toMatchObject({ code: 'usage' });
  });
});
