import { expect, test } from 'vitest';
import { firstTrust } from '../test-kit/judge.js';
import { logKey, testOrigin, witnessKey } from '../test-kit/keys.js';
import { checkpointOf, promiseOf, publish, receiptOf } from '../test-kit/log-files.js';
import { story } from '../test-kit/story.js';
import { canonical, type TestEntry } from '../test-kit/writer.js';
import { verifyPromise, verifyReceipt } from './index.js';

const { writer } = story(2);
const { entries, bodies } = writer;
const files = publish(entries);
const at = entries.findIndex(({ payload }) => payload !== undefined);

test('a receipt proves its entry, its place and its body, offline', async () => {
  const body = bodies.find(({ entry }) => entry === entries[at]?.id);
  const verdict = verifyReceipt(await receiptOf(files, entries, at, body), firstTrust);
  expect(verdict).toMatchObject({ holds: true, findings: [], origin: testOrigin, size: BigInt(entries.length), index: at, body: 'matches', entry: { id: entries[at]?.id } });
  expect(verifyReceipt(await receiptOf(files, entries, at), firstTrust).body).toBe('absent');
  expect(verifyReceipt(await receiptOf(files, entries, 3 + at), firstTrust).holds).toBe(true);
});

test('a receipt with a quorum of witnesses says who saw it; without one it does not hold', async () => {
  const [one, two] = [witnessKey('one'), witnessKey('two')];
  const receipt = await receiptOf(publish(entries, { signers: [logKey('first'), one] }), entries, at);
  const trust = { ...firstTrust, witnesses: [one.vkey, two.vkey] };
  expect(verifyReceipt(receipt, { ...trust, quorum: 1 })).toMatchObject({ holds: true, cosigned: [{ name: one.name }] });
  expect(verifyReceipt(receipt, trust).findings).toMatchObject([{ code: 'quorum_missed' }]);
  const policy = `log ${logKey('first').vkey}\nwitness a ${one.vkey}\nwitness b ${two.vkey}\ngroup g any a b\nquorum g\n`;
  expect(verifyReceipt(receipt, { policy }).holds).toBe(true);
});

test('attack: any byte of a receipt changed, or any line left out', async () => {
  const receipt = await receiptOf(files, entries, at, bodies.find(({ entry }) => entry === entries[at]?.id));
  for (let byte = 0; byte < receipt.length; byte += 7) {
    const changed = Buffer.from(receipt);
    changed[byte] = (changed[byte] ?? 0) ^ 1;
    expect([byte, verifyReceipt(new Uint8Array(changed), firstTrust).holds]).toEqual([byte, false]);
  }
  const lines = receipt.split('\n');
  for (const line of lines.keys()) expect([line, verifyReceipt(lines.filter((_, other) => other !== line).join('\n'), firstTrust).holds]).toEqual([line, false]);
});

test('attack: a receipt for another index, another tree, another key or another entry', async () => {
  const receipt = await receiptOf(files, entries, at);
  expect(verifyReceipt(receipt.replace(`index ${at}`, `index ${at + 1}`), firstTrust).findings).toMatchObject([{ code: 'receipt_invalid' }]);
  const older = checkpointOf(publish(entries.slice(0, -1)));
  expect(verifyReceipt(`${receipt.split('\n\n')[0] ?? ''}\n\n${older}`, firstTrust).findings).toMatchObject([{ code: 'receipt_invalid' }]);
  expect(verifyReceipt(receipt, { keys: [logKey('second').vkey] }).findings).toMatchObject([{ code: 'checkpoint_untrusted' }]);
  const swapped = (await receiptOf(files, entries, at + 1)).split('\n')[1] ?? '';
  expect(verifyReceipt(receipt.replace(/^extra .*$/m, swapped), firstTrust).findings).toMatchObject([{ code: 'receipt_invalid' }]);
});

test('attack: extra data that is not the leaf and its body', async () => {
  const receipt = await receiptOf(files, entries, at);
  for (const extra of ['x', '{}', '[]', '{"entry":1}', '{"entry":"{}"}', '{"entry":"\\ud800"}', '{"entry":"","more":1}', '{"entry":"","body":"x"}']) {
    const other = receipt.replace(/^extra .*$/m, `extra ${Buffer.from(extra).toString('base64')}`);
    expect([extra, verifyReceipt(other, firstTrust).findings.map(({ code }) => code)]).toEqual([extra, ['receipt_invalid']]);
  }
  expect(verifyReceipt(receipt.replace(/^extra .*\n/m, ''), firstTrust).holds).toBe(false);
});

test('attack: a leaf that is no Unicode text and hashes as if it were', async () => {
  const copy = structuredClone(entries);
  const entry = copy[at] as TestEntry;
  entry.body['purpose'] = '\ufffd';
  const receipt = await receiptOf(publish(copy), copy, at);
  expect(verifyReceipt(receipt, firstTrust).holds).toBe(true);
  const extra = JSON.stringify({ entry: canonical(entry) }).replace('\ufffd', '\\ud800');
  const other = receipt.replace(/^extra .*$/m, `extra ${Buffer.from(extra).toString('base64')}`);
  expect(verifyReceipt(other, firstTrust).findings).toMatchObject([{ code: 'receipt_invalid' }]);
});

test('a promise is verified offline; any byte of it changed is none', () => {
  const [entry] = entries as [TestEntry];
  const promise = promiseOf(entry);
  expect(verifyPromise(promise, firstTrust)).toMatchObject({ holds: true, promise: { origin: testOrigin, entry: entry.id, at: entry.at } });
  for (let byte = 0; byte < promise.length; byte++) {
    const changed = Buffer.from(promise);
    changed[byte] = (changed[byte] ?? 0) ^ 1;
    expect([byte, verifyPromise(new Uint8Array(changed), firstTrust).holds]).toEqual([byte, false]);
  }
  expect(verifyPromise(checkpointOf(files), firstTrust).findings).toMatchObject([{ code: 'promise_invalid' }]);
});

test.each([
  ['no key', { keys: [] }],
  ['a key that is none', { keys: ['x'] }],
  ['a witness in the place of the log', { keys: [witnessKey('one').vkey] }],
  ['a quorum of nobody', { ...firstTrust, quorum: 1 }],
  ['a quorum that nobody can reach', { ...firstTrust, witnesses: [witnessKey('one').vkey], quorum: 2 }],
  ['one witness twice', { ...firstTrust, witnesses: [witnessKey('one').vkey, witnessKey('one').vkey] }],
  ['two lines in one key', { keys: [`${logKey('first').vkey}\nquorum none`] }],
  ['a policy that is none', { policy: 'quorum everybody\n' }],
])('%s is nobody to trust', async (_, trust) => {
  const receipt = await receiptOf(files, entries, at);
  expect(() => verifyReceipt(receipt, trust)).toThrowError(expect.objectContaining({ code: 'usage' }) as Error);
});
