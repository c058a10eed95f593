import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, type RunningGovernor, startGovernor, waitFor } from './support/governor.js';
import { built, freePort } from './support/programs.js';

// Building it takes minutes that CI does not have; asked for, it is built there as well.
const wanted = process.env['CI'] !== 'true' || process.env['FLYBALL_OBJECT_STORE'] === 'build';
const program = wanted ? await built('object-store.mjs') : undefined;
if (program === undefined) console.warn('test/object-store.test.ts is skipped: FLYBALL_OBJECT_STORE=build and Go build the object store that it needs');

describe.skipIf(program === undefined)('an object store by its HTTP API', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-bucket-'));
  const bucket = join(folder, 'buckets/evidence');
  let store: ChildProcess;
  let governor: RunningGovernor;
  let env: Record<string, string>;

  beforeAll(async () => {
    const port = await freePort();
    mkdirSync(bucket, { recursive: true });
    store = spawn(program ?? '', ['--port', `127.0.0.1:${port}`, '--access', 'flyball', '--secret', 'a-secret-of-the-test', '--quiet', 'posix', '--nometa', join(folder, 'buckets')], { stdio: 'ignore' });
    env = { AWS_ACCESS_KEY_ID: 'flyball', AWS_SECRET_ACCESS_KEY: 'a-secret-of-the-test', AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` };
    await waitFor(() => fetch(`http://127.0.0.1:${port}/`).then(() => true, () => undefined));
    governor = await startGovernor();
    await governor.token('tester');
  }, 120_000);
  afterAll(async () => {
    await governor.remove();
    store.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const exported = (over: Record<string, string> = {}) => command(governor.directory, ['log', 'export', 's3://evidence/logs/main'], { ...env, ...over });

  test('story: the log is in the bucket, file by file, and what is full is not sent twice', async () => {
    const { code, stderr, stdout } = await exported();
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^\d+ entries in s3:\/\/evidence\/logs\/main: \d+ files written, 0 were there already\n$/);
    const files = readdirSync(join(bucket, 'logs/main'), { recursive: true, encoding: 'utf8' });
    expect(files).toEqual(expect.arrayContaining(['checkpoint', 'tile/0', 'tile/entries']));
    const local = join(folder, 'local');
    expect((await command(governor.directory, ['log', 'export', local])).code).toBe(0);
    for (const file of readdirSync(local, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())) {
      const path = join(file.parentPath, file.name);
      expect(readFileSync(join(bucket, 'logs/main', path.slice(local.length))).equals(readFileSync(path))).toBe(true);
    }
  });

  test('attack: a wrong secret, a bucket that is not there and a store that is away are told, and the secret is not', async () => {
    const wrong = await exported({ AWS_SECRET_ACCESS_KEY: 'another-secret' });
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/answered `[^`]+` with status 403; what was written before stays/)]);
    expect(`${wrong.stdout}${wrong.stderr}`).not.toContain('another-secret');
    const nowhere = await command(governor.directory, ['log', 'export', 's3://nothing-here'], env);
    expect([nowhere.code, nowhere.stderr]).toEqual([1, expect.stringContaining('with status 404')]);
    const missing = await command(governor.directory, ['log', 'export', 's3://evidence'], { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' });
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining('expected AWS_ACCESS_KEY_ID')]);
    const away = await exported({ AWS_ENDPOINT_URL: `http://127.0.0.1:${await freePort()}` });
    expect([away.code, away.stderr]).toEqual([1, expect.stringContaining('expected an object store at')]);
  });

  test('attack: a checkpoint never comes before what it speaks of', async () => {
    const before = readFileSync(join(bucket, 'logs/main/checkpoint'), 'utf8');
    await command(governor.directory, ['reload']);
    // A file where a folder would have to be: the export cannot put its entries there.
    rmSync(join(bucket, 'logs/main/tile/entries'), { recursive: true });
    writeFileSync(join(bucket, 'logs/main/tile/entries'), '');
    expect((await exported()).code).toBe(1);
    expect(readFileSync(join(bucket, 'logs/main/checkpoint'), 'utf8')).toBe(before);
  });
});
