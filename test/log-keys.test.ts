import { generateKeyPairSync } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openCheckpoint, parseVerifierKey, TlogError } from '@flyball/tlog';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { moneyBundle, openClient, transferTo } from './support/exported-record.js';
import { command, type RunningGovernor, startGovernor, waitFor, writeInstallation } from './support/governor.js';
import { audit, codes, edit, exported, must, promised, promiseOf, receiptOf, statusOf } from './support/log-governor.js';
import { startPostgres } from './support/postgres.js';

const postgres = await startPostgres();
afterAll(() => postgres?.remove(), 30_000);

const newKey = (file: string) => writeFileSync(file, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }));

describe.skipIf(postgres === undefined)('keys of a log', () => {
  let canary: Canary;
  let directory: string;
  let env: Record<string, string>;
  let governor: RunningGovernor;
  const promises: string[] = [];
  const receipts: string[] = [];
  const earlier: string[] = [];
  let first: string;
  let second: string;

  const signs = (checkpoint: string, key: string): boolean => {
    try {
      return openCheckpoint(checkpoint, checkpoint.split('\n')[0] ?? '', [parseVerifierKey(key)]).size > 0n;
    } catch (error) {
      if (error instanceof TlogError) return false;
      throw error;
    }
  };
  const useKeys = (folder: string, ...files: string[]) => edit(join(folder, 'flyball.yaml'), (text) => `${text.replace(/^log:.*\n/m, '')}log: { keys: [${files.join(', ')}] }\n`);
  const restart = async () => {
    await governor.stop();
    governor = await startGovernor({ directory, env });
  };
  const act = async () => {
    const client = await openClient(governor);
    const promise = promiseOf(await transferTo(client, 'shop'));
    promises.push(promise);
    receipts.push(await receiptOf(directory, promised(promise), env));
    const status = await statusOf(directory, env);
    earlier.push(status.checkpoint);
    return status;
  };

  beforeAll(async () => {
    canary = await startCanary();
    env = { FLYBALL_DATABASE_URL: (await postgres?.database()) ?? '' };
    directory = writeInstallation({ files: moneyBundle(), upstreams: `  canary: { url: "${canary.url}" }` });
    for (const name of ['one.pem', 'two.pem', 'stranger.pem']) newKey(join(directory, name));
    useKeys(directory, 'one.pem');
    governor = await startGovernor({ directory, env });
  });
  afterAll(async () => {
    await governor.remove();
    canary.stop();
  });

  test('abuse 75: rotation: a second key signs beside the first, the first is retired and signs no more; receipts, promises and checkpoints of before verify by the new key alone and by the old one', async () => {
    const before = await act();
    [first = ''] = Object.keys(before.keys);
    useKeys(directory, 'one.pem', 'two.pem');
    await restart();
    const both = await act();
    [second = ''] = Object.keys(both.keys).filter((key) => key !== first);
    expect([signs(both.checkpoint, first), signs(both.checkpoint, second)]).toEqual([true, true]);
    expect(both.keys).toEqual({ [first]: 'active', [second]: 'active' });
    await must(directory, ['log', 'retire', first], env);
    const after = await act();
    expect([signs(after.checkpoint, first), signs(after.checkpoint, second)]).toEqual([false, true]);
    expect(after.keys).toEqual({ [first]: 'retired', [second]: 'active' });
    expect(promises.map((promise) => [first, second].map((key) => promise.includes(`— ${key.split('+')[0]} `)))).toEqual(promises.map(() => [true, true]));
    const folder = await exported(governor, env);
    expect(codes(await audit(folder, { keys: [second], promises, receipts, earlier }))).toEqual([]);
    rmSync(folder, { recursive: true });
  });

  test('attack: the only key that signs cannot be retired, nor one that is not there, nor the same one twice', async () => {
    expect((await command(directory, ['log', 'retire', second], env)).stderr).toContain('add another one first');
    expect((await command(directory, ['log', 'retire', first], env)).stderr).toContain('no such active key');
    expect((await statusOf(directory, env)).keys[second]).toBe('active');
  });

  test('abuse 75: without any active key a node does not start, and says which keys are; the retired one does not help', async () => {
    await governor.stop();
    for (const keys of [['stranger.pem'], ['one.pem'], ['one.pem', 'stranger.pem']]) {
      useKeys(directory, ...keys);
      const { code, stderr } = await command(directory, ['up'], env);
      expect([code, stderr.includes(second), stderr.includes(first)]).toEqual([1, true, false]);
    }
    useKeys(directory, 'one.pem', 'two.pem');
    governor = await startGovernor({ directory, env });
    const { keys } = await act();
    expect(keys).toEqual({ [first]: 'retired', [second]: 'active' });
  });

  test('attack: a second node with a stranger\'s key adds nothing to the log, while the first one runs', async () => {
    const before = await statusOf(directory, env);
    const node = mkdtempSync(join(tmpdir(), 'flyball-stranger-'));
    for (const part of ['flyball.yaml', 'bundle', 'stranger.pem']) cpSync(join(directory, part), join(node, part), { recursive: true });
    useKeys(node, 'stranger.pem');
    expect((await command(node, ['up'], env)).stderr).toContain('expected a key that signs for this log');
    await new Promise((done) => setTimeout(done, 1_500));
    const after = await statusOf(directory, env);
    expect([after.keys, after.size]).toEqual([before.keys, before.size]);
    rmSync(node, { recursive: true });
  });

  test.each([['no key', 'none.pem', ''], ['no PEM', 'odd.pem', 'hello'], ['a key of another type', 'rsa.pem', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string]])('abuse 75: a key file with %s is refused by its name', async (_case, file, text) => {
    const own = writeInstallation();
    if (text !== '') writeFileSync(join(own, file), text);
    useKeys(own, file);
    const { code, stderr } = await command(own, ['sessions'], { FLYBALL_DATABASE_URL: (await postgres?.database()) ?? '' });
    expect([code, stderr.includes(file)]).toEqual([1, true]);
    rmSync(own, { recursive: true });
  });

  test('attack: a node that runs while its key is retired elsewhere neither signs with it nor promises by it, and acts on nothing', async () => {
    const node = mkdtempSync(join(tmpdir(), 'flyball-second-'));
    for (const part of ['flyball.yaml', 'bundle', 'two.pem', 'third.pem', '.flyball/local-issuer.pem']) {
      if (part === 'third.pem') newKey(join(directory, part));
      cpSync(join(directory, part), join(node, part), { recursive: true });
    }
    await governor.stop();
    useKeys(directory, 'two.pem', 'third.pem');
    governor = await startGovernor({ directory, env });
    useKeys(node, 'two.pem');
    const behind = await startGovernor({ directory: node, env });
    const client = await openClient(behind);
    await transferTo(client, 'before');
    await must(directory, ['log', 'retire', second], env);
    await act();
    const active = Object.entries((await statusOf(directory, env)).keys).filter(([, status]) => status === 'active').map(([key]) => key);
    const refused = await waitFor(async () => {
      const answer = await transferTo(client, 'after');
      return answer.headers.get('flyball-promise') === null ? answer : undefined;
    }, 20_000);
    expect(refused.text).not.toContain('transferred');
    const status = await act();
    expect([signs(status.checkpoint, second), signs(status.checkpoint, active[0] ?? '')]).toEqual([false, true]);
    await behind.remove();
  });
});
