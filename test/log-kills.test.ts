import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseNote } from '@flyball/tlog';
import { afterAll, expect, test } from 'vitest';
import { openPostgres } from '../packages/server/src/store/open.js';
import { place, record } from './support/entries.js';
import { root } from './support/governor.js';
import { faultsOf, origin, sequencerOn, Signed } from './support/log-kit.js';
import { startPostgres } from './support/postgres.js';

const kills = Number(process.env['FLYBALL_KILLS'] ?? 25);
const alive = 3;
const nthMost = 3;
const around = (names: readonly string[]) => names.flatMap((name) => [`before ${name}`, `after ${name}`]);
const steps = [...around(['unsequenced', 'acquire', 'readTile', 'extend', 'sign', 'keepCheckpoint', 'mkdirSync', 'writeFileSync', 'openSync', 'fsyncSync', 'closeSync', 'renameSync']), 'within writeFileSync'];
const noise = 20;

const postgres = await startPostgres();
const folder = mkdtempSync(join(tmpdir(), 'flyball-kills-'));
let going = true;
const children = new Set<ChildProcess>();
afterAll(async () => {
  going = false;
  children.forEach((child) => child.kill('SIGKILL'));
  rmSync(folder, { recursive: true, force: true });
  await postgres?.remove();
}, 30_000);

const story = join(folder, 'story');
const told = (what: string): readonly string[] => readFileSync(story, 'utf8').split('\n').flatMap((line) => (line.startsWith(`${what} `) ? [Buffer.from(line.slice(what.length + 1), 'base64').toString('utf8')] : []));
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

test.skipIf(postgres === undefined)(`abuse 71: law: a sequencer killed ${kills} times, before and after each of its steps, while successors take over and others write: nothing acknowledged is lost, no fork, every signature of a beginning of the log`, async () => {
  const url = (await postgres?.database()) ?? '';
  const { entries, log, pool, close } = await openPostgres(url, 'default');
  await log.open(origin);
  const acknowledged: string[] = [];
  const heads = new Set<string>();

  const write = async () => {
    for (let round = 0; going; round++) {
      const batch = Array.from({ length: 1 + (round % noise) }, () => record([place(`session:${randomUUID()}`, 1)], { at: Date.now() - Math.floor(Math.random() * noise) }));
      await Promise.all(batch.map((each) => entries.commit(each)));
      acknowledged.push(...batch.map(({ entry }) => entry.id));
      heads.add((await log.head())?.checkpoint ?? '');
      await wait(3);
    }
  };

  /** As if it had run out. */
  const endLease = () => pool.query('update log set lease_until = 0');

  /** Starts a node in one of the places; the promise is kept when it has ended. */
  let started = 0;
  const live = async (index: number): Promise<void> => {
    const file = join(folder, String(index), 'log', 'default.checkpoint');
    mkdirSync(join(folder, String(index)), { recursive: true });
    const wish = { url, tenant: 'default', origin, seed: 1, story, file, holder: randomUUID(), step: steps[started++ % steps.length], nth: 1 + Math.floor(Math.random() * nthMost) };
    const child = spawn(process.execPath, [join(root, 'test/support/log-sequencer.mjs'), JSON.stringify(wish)], { stdio: ['ignore', 'ignore', 'inherit'] });
    children.add(child);
    const code = await new Promise<number | null>((done) => child.once('exit', done));
    children.delete(child);
    if (code !== null) throw new Error(`a sequencer ended with ${code}`);
    await endLease();
  };
  const lives = async (index: number) => {
    while (going) await live(index);
  };

  const all = [write(), ...Array.from({ length: alive }, (_, index) => lives(index))];
  const began = Date.now();
  while ((existsSync(story) ? told('killed').length : 0) < kills) {
    await Promise.race([wait(200), ...all]);
    // The one that has the lease may never come to its step again, and then the others never come to theirs.
    await endLease();
  }
  going = false;
  children.forEach((child) => child.kill('SIGKILL'));
  await Promise.all(all);
  await endLease();

  const signed = new Signed();
  const last = sequencerOn({ store: log, file: join(folder, '0', 'log', 'default.checkpoint'), holder: 'last', signed });
  while ((await last.round()) > 0);
  const notes = [...told('shown'), ...heads].filter((note) => note !== '').map((note) => parseNote(note).text);
  expect(await faultsOf(log, [...told('signed'), ...notes, ...signed.signed], acknowledged)).toEqual([]);
  expect(told('trouble')).toEqual([]);
  // What a node remembers is never more than the log has, and is whole.
  for (let index = 0; index < alive; index++) expect(() => sequencerOn({ store: log, file: join(folder, String(index), 'log', 'default.checkpoint'), holder: 'reader', signed })).not.toThrow();
  const counts = new Map(steps.map((name) => [name, told('killed').filter((killed) => killed === name).length]));
  console.log(`${told('killed').length} kills in ${Math.round((Date.now() - began) / 1_000)} s; ${acknowledged.length} entries, ${told('signed').length} checkpoints signed, ${told('shown').length} shown\n${[...counts].map(([name, count]) => `${name} ${count}`).join(', ')}`);
  expect([...counts].filter(([, count]) => kills >= 100 && count === 0)).toEqual([]);
  await close();
}, 60_000 + kills * 2_000);
