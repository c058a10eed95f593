import { expect, test } from 'vitest';
import { codesOf, given, holds, judge } from '../test-kit/judge.js';
import { logKey, type TestKey, testOrigin } from '../test-kit/keys.js';
import { checkpointOf, promiseOf, publish, receiptOf } from '../test-kit/log-files.js';
import { begin, session } from '../test-kit/story.js';
import { type TestEntry, TestWriter } from '../test-kit/writer.js';
import { verifyReceipt } from './index.js';

const attack = (name: string, run: () => Promise<void>) => test(`attack: ${name}`, run);

const [first, second] = [logKey('first'), logKey('second')];

/** A log that began with one key, had two, and then retired the first; and how large it was at each time. */
function rotated(next: Pick<TestKey, 'vkey'> = second) {
  const writer = new TestWriter();
  begin(writer, first);
  session(writer, 'a');
  const alone = writer.entries.length;
  writer.add({ kind: 'log.key', streams: ['log:keys'], body: { key: next.vkey, status: 'active' } });
  session(writer, 'b');
  const both = writer.entries.length;
  const retired = writer.add({ kind: 'log.key', streams: ['log:keys'], body: { key: first.vkey, status: 'retired' }, afterMs: 3_600_000 });
  session(writer, 'c');
  const { entries } = writer;
  return { entries, alone, both, retired, files: publish(entries, { signers: [second] }), overlap: given('overlap', checkpointOf(publish(entries.slice(0, both), { signers: [first, second] }))) };
}

attack('abuse 75: who trusts the old key follows the log to its new one by a checkpoint that both signed', async () => {
  const { files, overlap, entries, alone } = rotated();
  const trust = { keys: [first.vkey] };
  expect(holds(await judge(files, { trust, earlier: [overlap] }))).toBe(true);
  const receipt = given('r', await receiptOf(publish(entries.slice(0, alone + 1), { signers: [first] }), entries.slice(0, alone + 1), 3));
  expect(holds(await judge(files, { trust, receipts: [receipt] }))).toBe(true);
});

attack('abuse 75: an entry alone, which anybody can write, leads to no key', async () => {
  const { files, entries, alone } = rotated();
  const trust = { keys: [first.vkey] };
  expect(codesOf(await judge(files, { trust }))).toEqual(['checkpoint_untrusted', 'not_examined']);
  const before = given('before', checkpointOf(publish(entries.slice(0, alone), { signers: [first] })));
  expect(codesOf(await judge(files, { trust, earlier: [before] }))).toEqual(['checkpoint_untrusted']);
});

attack('abuse 75: receipts and promises of a key that was retired since still verify', async () => {
  const { files, entries, both, retired } = rotated();
  const trust = { keys: [second.vkey] };
  const old = await receiptOf(publish(entries.slice(0, both), { signers: [first] }), entries.slice(0, both), 5);
  const promise = promiseOf(entries[5] as TestEntry, { signers: [first] });
  expect(holds(await judge(files, { trust, receipts: [given('r', old)], promises: [given('p', promise)] }))).toBe(true);
  expect(verifyReceipt(old, { keys: [first.vkey] }).holds).toBe(true);
  expect(retired.body['status']).toBe('retired');
});

attack('abuse 75: a retired key signs nothing new', async () => {
  const { files, entries, retired } = rotated();
  for (const trust of [{ keys: [first.vkey, second.vkey] }, { keys: [first.vkey] }]) expect(codesOf(await judge(publish(entries, { signers: [first] }), { trust }))).toEqual(['key_retired']);
  const trust = { keys: [second.vkey] };
  const late = await receiptOf(publish(entries, { signers: [first] }), entries, 5);
  expect(codesOf(await judge(files, { trust, receipts: [given('r', late)] }))).toEqual(['key_retired']);
  const last = entries.at(-1) as TestEntry;
  expect(codesOf(await judge(files, { trust, promises: [given('p', promiseOf(last, { signers: [first] }, retired.at + 60_001))] }))).toEqual(['key_retired']);
});

attack('abuse 75: a retired key that contradicts the log is a fork all the same', async () => {
  const { files, entries, overlap } = rotated();
  const [forged] = [structuredClone(entries.slice(0, 5))];
  if (forged[4]) forged[4].at += 1;
  expect(codesOf(await judge(files, { trust: { keys: [first.vkey] }, earlier: [overlap, given('f', checkpointOf(publish(forged, { signers: [first] })))] }))).toEqual(['fork']);
});

attack('abuse 75: a key of an unknown type vouches for nothing and harms nothing', async () => {
  const { entries } = rotated({ vkey: `${testOrigin}+00000000+${Buffer.from([0x77, 1, 2, 3]).toString('base64')}` });
  const part = entries.slice(0, -12);
  expect(holds(await judge(publish(part, { signers: [first, second] }), { trust: { keys: [first.vkey] } }))).toBe(true);
  expect(codesOf(await judge(publish(part, { signers: [second] }), { trust: { keys: [first.vkey] } }))).toEqual(['checkpoint_untrusted', 'not_examined']);
  await expect(judge(publish(part), { trust: { keys: [`${testOrigin}+00000000+dwECAw==`] } })).rejects.toMatchObject({ code: 'usage' });
});

attack('abuse 75: a key of another log in the history signs nothing here', async () => {
  const foreign = logKey('second', 'flyball/default/other');
  const { entries, overlap } = rotated(foreign);
  const verdict = await judge(publish(entries, { signers: [foreign] }), { trust: { keys: [first.vkey] }, earlier: [overlap] });
  expect(codesOf(verdict)).toContain('checkpoint_untrusted');
});

attack('abuse 75: a checkpoint of the honest log vouches for no key of a forged one', async () => {
  const mallory = logKey('mallory');
  const { overlap } = rotated();
  const forged = rotated(mallory).entries;
  expect(codesOf(await judge(publish(forged, { signers: [mallory] }), { trust: { keys: [first.vkey] }, earlier: [overlap] }))).toEqual(['checkpoint_untrusted', 'fork']);
});
