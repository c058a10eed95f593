import { expect, test } from 'vitest';
import { codesOf, firstTrust, given, holds, judge } from '../test-kit/judge.js';
import { logKey, witnessKey } from '../test-kit/keys.js';
import { checkpointOf, memory, promiseOf, publish, receiptOf } from '../test-kit/log-files.js';
import { story } from '../test-kit/story.js';
import { chained, type TestEntry } from '../test-kit/writer.js';
import { verifyLog, verifyPromise, verifyReceipt } from './index.js';

const attack = (name: string, run: () => Promise<void>) => test(`attack: ${name}`, run);

/** A record, and another one of the same size: as who has database and key could write it. */
function twice(): { readonly entries: readonly TestEntry[]; readonly rewritten: readonly TestEntry[] } {
  const { entries } = story(2).writer;
  const other = structuredClone(entries);
  const [intent] = other.filter(({ kind }) => kind === 'intent');
  if (intent) intent.body['identity'] = 'somebody else';
  return { entries, rewritten: chained(other) };
}

attack('abuse 69: a log that was wholly rewritten with the right key is sound in itself, and caught by anything that was kept', async () => {
  const { entries, rewritten } = twice();
  const [honest, forged] = [publish(entries), publish(rewritten)];
  expect(holds(await judge(forged))).toBe(true);
  expect(codesOf(await judge(forged, { earlier: [given('c', checkpointOf(honest))] }))).toEqual(['fork']);
  expect(codesOf(await judge(forged, { earlier: [given('c', checkpointOf(publish(entries.slice(0, 5))))] }))).toEqual(['fork']);
  expect(codesOf(await judge(forged, { receipts: [given('r', await receiptOf(honest, entries, 3))] }))).toEqual(['fork', 'receipt_broken']);
  expect(codesOf(await judge(forged, { promises: entries.map((entry) => given(entry.id, promiseOf(entry))) }))).toEqual(['promise_broken']);
});

attack('abuse 69: a log rewritten with the right key has no quorum of witnesses', async () => {
  const { entries, rewritten } = twice();
  const [one, two, three] = [witnessKey('one'), witnessKey('two'), witnessKey('three')];
  const trust = { ...firstTrust, witnesses: [one.vkey, two.vkey, three.vkey], quorum: 2 };
  expect(holds(await judge(publish(entries, { signers: [logKey('first'), one, three] }), { trust }))).toBe(true);
  expect(codesOf(await judge(publish(rewritten, { signers: [logKey('first'), two] }), { trust }))).toEqual(['quorum_missed']);
  expect(codesOf(await judge(publish(rewritten), { trust: { ...trust, quorum: 1 } }))).toEqual(['quorum_missed']);
  const cosigned = checkpointOf(publish(entries, { signers: [logKey('first'), one, three] })).split('\n\n')[1] ?? '';
  const files = publish(rewritten);
  files.set('checkpoint', new Uint8Array(Buffer.from(`${checkpointOf(files)}${cosigned.split('\n').slice(1).join('\n')}`)));
  expect(codesOf(await judge(files, { trust }))).toEqual(['signature_invalid']);
});

attack('a fork: two checkpoints of one size, here and among those that were kept', async () => {
  const { entries, rewritten } = twice();
  const earlier = [given('a', checkpointOf(publish(entries))), given('b', checkpointOf(publish(rewritten)))];
  const { integrity } = await judge(publish(entries), { earlier });
  expect(integrity.findings.map(({ code, place }) => [code, place.file])).toEqual([['fork', 'b'], ['fork', 'b']]);
  const short = await judge(publish(entries.slice(0, 4)), { earlier });
  expect(short.integrity.findings.map(({ code, place }) => [code, place.file])).toEqual([['rolled_back', 'a'], ['rolled_back', 'b'], ['fork', 'b']]);
});

attack('an older head served to one client', async () => {
  const { entries } = twice();
  const old = publish(entries.slice(0, 12));
  const last = entries.at(-1);
  if (!last) throw new Error('no entries');
  expect(codesOf(await judge(old, { earlier: [given('c', checkpointOf(publish(entries)))] }))).toEqual(['rolled_back']);
  const young = await judge(old, { promises: [given('p', promiseOf(last))] });
  expect([holds(young), young.counts.pending]).toEqual([true, 1]);
  expect(codesOf(await judge(old, { promises: [given('p', promiseOf(last))], now: last.at + 60_001 }))).toEqual(['promise_broken']);
});

attack('a promise that was never kept', async () => {
  const { entries } = story(1).writer;
  const missing = { ...structuredClone(entries[5]), id: '01990000-0000-7000-8000-000000000009' } as TestEntry;
  const newest = entries.at(-1)?.at ?? 0;
  const asked = (at: number, now?: number) => judge(publish(entries), { promises: [given('p', promiseOf(missing, {}, at))], ...(now !== undefined && { now }) });
  const verdict = await asked(newest - 60_000);
  expect(verdict.completeness.findings).toMatchObject([{ code: 'promise_broken', place: { file: 'p', entry: missing.id } }]);
  expect((await asked(newest - 59_999)).counts.pending).toBe(1);
  // Dated so late that it would be young for ever.
  expect((await asked(newest + 10_000_000)).counts.pending).toBe(1);
  expect(codesOf(await asked(newest + 10_000_000, newest + 1_000))).toEqual(['promise_broken']);
});

attack('a promise or a receipt that the log never gave accuses nobody', async () => {
  const { entries, rewritten } = twice();
  const forged = { signers: [logKey('mallory')] };
  const promise = promiseOf(entries[3] as TestEntry, forged);
  const receipt = await receiptOf(publish(rewritten, forged), rewritten, 3);
  const { integrity, completeness } = await judge(publish(entries), { promises: [given('p', promise)], receipts: [given('r', receipt)], earlier: [given('c', checkpointOf(publish(rewritten, forged)))] });
  expect(integrity.findings.map(({ code, place }) => [code, place.file])).toEqual([['checkpoint_untrusted', 'c'], ['checkpoint_untrusted', 'r'], ['promise_invalid', 'p']]);
  expect(completeness.holds).toBe(true);
  expect(verifyPromise(promise, firstTrust).holds).toBe(false);
});

attack('the key of the log exchanged', async () => {
  const { entries } = twice();
  const other = publish(entries, { signers: [logKey('mallory')] });
  const verdict = await judge(other);
  expect(codesOf(verdict)).toEqual(['checkpoint_untrusted', 'not_examined']);
  expect([verdict.integrity.holds, verdict.completeness.holds]).toEqual([false, false]);
  // Under the name and the id of the right key.
  const line = checkpointOf(publish(entries)).split('\n');
  const [stolen = '', theirs = ''] = [line.at(-2), checkpointOf(other).split('\n').at(-2)];
  const idOf = (text: string) => Buffer.from(text.split(' ')[2] ?? '', 'base64');
  const mixed = `— ${stolen.split(' ')[1] ?? ''} ${Buffer.concat([idOf(stolen).subarray(0, 4), idOf(theirs).subarray(4)]).toString('base64')}`;
  other.set('checkpoint', new Uint8Array(Buffer.from(`${checkpointOf(other).split('\n\n')[0] ?? ''}\n\n${mixed}\n`)));
  expect(codesOf(await judge(other))).toEqual(['signature_invalid', 'not_examined']);
});

attack('another log\'s checkpoint, receipt and promise', async () => {
  const { entries } = twice();
  const origin = 'flyball/default/other';
  const foreign = { origin, signers: [logKey('first', origin)] };
  const other = publish(entries, foreign);
  expect(codesOf(await judge(other))).toEqual(['wrong_origin', 'not_examined']);
  const more = { earlier: [given('c', checkpointOf(other))], receipts: [given('r', await receiptOf(other, entries, 2))], promises: [given('p', promiseOf(entries[2] as TestEntry, foreign))] };
  const { integrity } = await judge(publish(entries), more);
  expect(integrity.findings.map(({ code, place }) => [code, place.file])).toEqual([['wrong_origin', 'c'], ['wrong_origin', 'r'], ['wrong_origin', 'p']]);
  expect(verifyReceipt(more.receipts[0]?.content ?? '', firstTrust).findings).toMatchObject([{ code: 'wrong_origin' }]);
});

attack('a trusted log\'s key that signs for another log which is trusted too', async () => {
  const origin = 'flyball/default/other';
  const trust = { keys: [logKey('first').vkey, logKey('second', origin).vkey] };
  const { entries } = twice();
  expect(codesOf(await verifyLog({ source: memory(publish(entries, { origin, signers: [logKey('first')] })), trust }))).toEqual(['checkpoint_untrusted', 'not_examined']);
});

attack('a log whose entries and tiles are another\'s', async () => {
  const { entries, rewritten } = twice();
  const files = publish(rewritten).set('checkpoint', publish(entries).get('checkpoint') ?? new Uint8Array());
  const { integrity } = await judge(files);
  expect(integrity.findings).toMatchObject([{ code: 'root_mismatch', place: { file: 'checkpoint' } }]);
});
