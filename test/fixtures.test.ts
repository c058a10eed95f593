import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { flyball, waitFor } from './support/governor.js';
import { freePort } from './support/programs.js';

let folder: string;
let child: ChildProcess | undefined;
let port: number;
let said = '';
const { FLYBALL_DATABASE_URL: _store, ...environment } = process.env;

/** Runs `flyball` in the folder to its end. */
function run(args: readonly string[], data = 'data'): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return new Promise((done) => {
    execFile(process.execPath, [flyball, ...args], { cwd: folder, env: { ...environment, FLYBALL_DATA_DIR: join(folder, data) } }, (error, stdout, stderr) => done({ code: error ? Number(error.code) : 0, stdout, stderr }));
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flyball-fixture-'));
  port = await freePort();
  child = spawn(process.execPath, [flyball, 'up', '--fixture', 'authzen-certification', '--port', String(port)], { cwd: folder, env: { ...environment, FLYBALL_DATA_DIR: join(folder, 'data') }, stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout?.setEncoding('utf8').on('data', (part: string) => (said += part));
  await waitFor(() => (/for a day: \S+\n/.test(said) ? true : undefined));
});
afterAll(async () => {
  const running = child;
  if (running?.exitCode === null) await new Promise((done) => running.once('exit', done) && running.kill('SIGTERM'));
  rmSync(folder, { recursive: true, force: true });
});

/** Whether the running fixture is trusted by who reads its certificate where it was said to be. */
function trusted(): Promise<number | undefined> {
  const ca = readFileSync(/certificate: (\S+)/.exec(said)?.[1] ?? '');
  return new Promise((done, failed) => request(`https://localhost:${port}/.well-known/authzen-configuration`, { ca }, ({ statusCode }) => done(statusCode)).on('error', failed).end());
}

const files = () => Object.fromEntries(['tls-cert.pem', 'tls-key.pem', 'listening.json'].map((name) => [name, readFileSync(join(folder, 'data', name), 'utf8')]));

test('law: a start that is refused leaves the running fixture\'s certificate as it is', async () => {
  expect(await trusted()).toBe(200);
  const before = files();
  const second = await run(['up', '--fixture', 'authzen-certification', '--port', String(port)]);
  expect([second.code, second.stdout]).toEqual([1, '']);
  expect(second.stderr).toContain('in use by process');
  expect(files()).toEqual(before);
  expect(await trusted()).toBe(200);
});

test('law: where the port is taken, no certificate is left and no token is shown', async () => {
  const second = await run(['up', '--fixture', 'authzen-certification', '--port', String(port)], 'other');
  expect([second.code, second.stdout]).toEqual([1, '']);
  expect(second.stderr).toContain('another process listens there');
  expect(readdirSync(join(folder, 'other')).filter((name) => name.startsWith('tls') || name === 'listening.json')).toEqual([]);
});

test.each(['quickstart', '../examples/authzen-certification', 'none', ''])('law: only an example that runners can be pointed at is a fixture: not %j', async (name) => {
  const refused = await run(['up', '--fixture', name], 'none');
  expect([refused.code, refused.stdout, refused.stderr]).toEqual([2, '', `flyball: no fixture \`${name}\`; there are authzen-certification\n`]);
});

test('a port without a fixture is refused, with where to say it', async () => {
  const refused = await run(['up', '--port', '9999'], 'none');
  expect([refused.code, refused.stdout]).toEqual([2, '']);
  expect(refused.stderr).toContain('`machines.port` and `administrators.port` say in `flyball.yaml`');
});
