import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { logKey, witnessKey } from '../../test-kit/keys.js';
import { checkpointOf, type LogFiles, promiseOf, publish, receiptOf } from '../../test-kit/log-files.js';
import { story } from '../../test-kit/story.js';
import { run } from './run.js';

const directory = mkdtempSync(join(tmpdir(), 'flyball-verify-'));
afterAll(() => rmSync(directory, { recursive: true }));

function write(name: string, content: string | Uint8Array): string {
  const path = join(directory, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

function writeLog(name: string, files: LogFiles): string {
  for (const [path, bytes] of files) write(join(name, path), bytes);
  return join(directory, name);
}

async function ran(...argv: string[]): Promise<{ readonly code: number; readonly text: string }> {
  let text = '';
  const code = await run(argv, { write: (part) => void (text += part) });
  return { code, text };
}

const { entries, bodies } = story(2).writer;
const files = publish(entries);
const log = writeLog('log', files);
const key = ['--key', logKey('first').vkey];
const bodyFile = write('bodies.jsonl', bodies.map((body) => `${JSON.stringify(body)}\n`).join(''));

test('a log that holds ends with 0, and says both verdicts', async () => {
  const receipts = [write('r1', await receiptOf(files, entries, 2)), write('r2', await receiptOf(files, entries, 3))];
  const promises = entries.slice(0, 2).map((entry, at) => write(`p${at}`, promiseOf(entry)));
  const since = write('before', checkpointOf(publish(entries.slice(0, 4))));
  const { code, text } = await ran('log', log, ...key, '--since', since, '--receipts', ...receipts, '--promises', ...promises, '--bodies', bodyFile);
  expect([code, text]).toEqual([0, expect.stringMatching(/integrity: holds\n\ncompleteness: holds\n/)]);
  expect(text).toMatch(/given +1 earlier checkpoints, 2 receipts, 2 promises \(4 kept, 0 pending\)/);
});

test('a log that does not hold ends with 1, and says what and where', async () => {
  const damaged = new Map(files).set('tile/0/000.p/22', new Uint8Array(704));
  const { code, text } = await ran('log', writeLog('damaged', damaged), ...key);
  expect(code).toBe(1);
  expect(text).toMatch(/integrity: DOES NOT HOLD\n +what +where +why\n +tile_altered +tile\/0\/000\.p\/22, index 0 /);
  expect((await ran('log', join(directory, 'nowhere'), ...key)).code).toBe(1);
});

test('the verdict as JSON has sizes as text and hashes in base64', async () => {
  const { code, text } = await ran('log', log, ...key, '--json');
  expect([code, JSON.parse(text)]).toMatchObject([0, { size: '22', root: expect.stringMatching(/^.{43}=$/) as string, integrity: { holds: true, findings: [] } }]);
});

test('receipts: 0 when all hold, 1 when one does not', async () => {
  const [good, bad] = [write('good', await receiptOf(files, entries, 2)), write('bad', await receiptOf(publish(entries, { signers: [logKey('second')] }), entries, 2))];
  const { code, text } = await ran('receipt', good, ...key);
  expect([code, text]).toEqual([0, expect.stringContaining('integrity: holds')]);
  expect((await ran('receipt', good, bad, ...key)).code).toBe(1);
  expect((await ran('receipt', good, ...key, '--witness', witnessKey('one').vkey, '--quorum', '1')).code).toBe(1);
  expect((await ran('receipt', good, '--policy', write('policy', `log ${logKey('first').vkey}\nquorum none\n`))).code).toBe(0);
});

test('attack: what a log says cannot move the cursor of whoever reads the verdict', async () => {
  const copy = structuredClone(entries);
  for (const entry of copy) entry.tenant = entry === copy[3] ? '\u001b[2J\u202eintegrity: holds\n' : 'default';
  const { code, text } = await ran('log', writeLog('loud', publish(copy)), ...key);
  expect(code).toBe(1);
  expect(text).not.toMatch(/\u001b|\u202e|^integrity: holds/m);
});

test.each([
  ['nothing', []],
  ['another command', ['logs']],
  ['no log', ['log', ...key]],
  ['two logs', ['log', 'a', 'b', ...key]],
  ['no key', ['log', log]],
  ['a key that is none', ['log', log, '--key', 'x']],
  ['an unknown option', ['log', log, ...key, '--force']],
  ['a quorum that is no number', ['log', log, ...key, '--quorum', 'some']],
  ['a policy and a key', ['log', log, ...key, '--policy', bodyFile]],
  ['a file that is not there', ['receipt', 'nowhere', ...key]],
  ['bodies that are not there', ['log', log, ...key, '--bodies', 'nowhere']],
  ['bodies that are none', ['log', log, ...key, '--bodies', join(log, 'checkpoint')]],
  ['a token for a folder', ['log', log, ...key, '--token', 'x']],
])('%s ends with 2 and says what was expected', async (_, argv) => {
  const { code, text } = await ran(...argv);
  expect([code, text]).toEqual([2, expect.stringMatching(/[\s\S]+\n\nVerifies a Flyball log/)]);
});

test('help is no mistake', async () => {
  expect((await ran('--help')).code).toBe(0);
});
