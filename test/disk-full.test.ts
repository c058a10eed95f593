import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Canary, startCanary } from './support/canary.js';
import { type RunningGovernor, startGovernor, writeInstallation } from './support/governor.js';
import { moneyBundle, reached, readRecord, transferTo, wasDone } from './support/exported-record.js';
import { openWire } from './support/wire.js';

const mounts: string[] = [];

/** A small disk of its own at this path; nothing where this user may not mount. */
function mountSmallDisk(path: string, megabytes: number): boolean {
  try {
    mkdirSync(path, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'ignore' });
    mounts.push(path);
    return true;
  } catch {
    return false;
  }
}

const probe = join(writeInstallation(), 'probe');
const canMount = mountSmallDisk(probe, 1);
if (!canMount) console.warn('\n*** this user may not mount a small disk: the tests of a full one are SKIPPED ***\n');

let canary: Canary;
beforeAll(async () => {
  canary = await startCanary();
});
const running: RunningGovernor[] = [];
const start = async (directory: string) => running[running.push(await startGovernor({ directory })) - 1] ?? startGovernor({ directory });
afterEach(async () => {
  await Promise.all(running.splice(0).map((governor) => governor.kill('SIGKILL')));
  mounts.splice(0).forEach((path) => execFileSync('umount', ['-l', path]));
});
afterAll(() => canary.stop());

/** Takes up the disk until so many kilobytes are left. */
function fill(disk: string, leaveKb: number): string {
  const { bavail, bsize } = statfsSync(disk);
  const file = join(disk, 'ballast');
  const fd = openSync(file, 'w');
  for (let left = bavail * bsize - leaveKb * 1_024; left > 0; left -= 1 << 20) writeSync(fd, Buffer.alloc(Math.min(1 << 20, left)));
  fsyncSync(fd);
  closeSync(fd);
  return file;
}

const answerMs = 20_000;

/** A caller that gets no answer at all is worse off than one that is refused. */
async function bounded<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(`no answer in ${answerMs} ms`)), answerMs)));
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

test.skipIf(!canMount).each([
  ['its tables cannot grow', 96, 250],
  ['its log cannot grow', 96, 13_000],
])('abuse 73: the disk of the embedded store is full (%s): nothing acts unrecorded, nothing acknowledged is lost, it goes on when there is room', async (name, megabytes, leaveKb) => {
  const directory = writeInstallation({ files: moneyBundle(), upstreams: `  canary: { url: "${canary.url}", timeout_seconds: 3 }` });
  const disk = join(directory, '.flyball');
  mountSmallDisk(disk, megabytes);
  let governor = await start(directory);
  const token = await governor.token('tester');
  const connect = () => openWire(governor.url('/mcp/canary'), token);
  let client = await connect();
  const done: string[] = [];
  const call = async (to: string) => {
    const answer = await bounded(transferTo(client, to, { memo: { noise: randomBytes(40_000).toString('base64') } }));
    if (wasDone(answer)) done.push(to);
    return answer;
  };
  expect(wasDone(await call(`${name}-before`))).toBe(true);
  const ballast = fill(disk, leaveKb);

  let refused = 0;
  for (let n = 0; refused < 5 && n < 1_500; n++) {
    const answer = await call(`${name}-${n}`).catch((error: Error) => error);
    if (answer instanceof Error) {
      expect(answer.message).not.toContain('no answer');
      break;
    }
    if (!wasDone(answer)) {
      refused++;
      expect(answer.text).toMatch(/Nothing has happened|not known/);
    }
  }
  const exited = governor.child.exitCode !== null || governor.child.signalCode !== null;
  expect(exited || refused === 5).toBe(true);
  if (exited) expect(governor.log()).toMatch(/disk|space|cannot be written|durable/i);

  rmSync(ballast);
  if (!exited) {
    const after = await call(`${name}-with-room`).catch(() => undefined);
    if (after === undefined || !wasDone(after)) expect(governor.log()).toMatch(/disk|space|restart|start again/i);
  }
  await governor.kill(exited ? 'SIGKILL' : 'SIGTERM');
  governor = await start(directory);
  client = await connect();
  expect(wasDone(await call(`${name}-after-restart`))).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  await governor.stop();

  const record = await readRecord(directory);
  const arrived = reached(canary).filter((to) => to.startsWith(name));
  expect(arrived.filter((to) => record.about(to).length !== 1)).toEqual([]);
  expect(done.filter((to) => record.effectOf(to) === undefined || record.effectOf(to) === 'failed')).toEqual([]);
  expect(record.faults()).toEqual([]);
});
