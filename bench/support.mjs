// What the benchmarks share: options, numbers, temporary folders and child processes that end with the benchmark.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { cpus, tmpdir, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
export const flyball = join(root, 'packages/server/dist/main.js');
const endMs = 10_000;

/** Options of one benchmark; prints the usage and ends when they are not understood. */
export function optionsOf(usage, options) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(`${error.message}\n${usage}`);
    process.exit(2);
  }
}

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
export const nowMs = () => performance.now();

export function median(values) {
  return percentile(values, 50);
}

export function percentile(values, p) {
  const sorted = values.filter(Number.isFinite).sort((left, right) => left - right);
  return sorted.length === 0 ? NaN : sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
}

export const round = (value, digits = 2) => (Number.isFinite(value) ? Number(value.toFixed(digits)) : null);

/** A Markdown table: `columns` are [title, row => text]. */
export function printTable(title, columns, rows) {
  console.log(`\n### ${title}\n`);
  const cells = [columns.map(([name]) => name), ...rows.map((row) => columns.map(([, show]) => String(show(row) ?? '–')))];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index].length)));
  const line = (texts) => `| ${texts.map((text, index) => text.padEnd(widths[index])).join(' | ')} |`;
  const [head, ...body] = cells;
  console.log([line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...body.map(line)].join('\n'));
}

/** A goal and what was measured; `most` for what must not be above, `least` for what must not be below. */
export const goal = (name, { most, least }, got) => ({ name, goal: most === undefined ? `>= ${least}` : `<= ${most}`, got: round(got, 3), met: most === undefined ? got >= least : got <= most });

/** The goals for people, then everything as the last line. */
export function finish(bench, figures, goals) {
  printTable('goals', [['goal', (g) => g.name], ['wanted', (g) => g.goal], ['got', (g) => g.got], ['met', (g) => (g.met ? 'yes' : 'NO')]], goals);
  console.log(`\n${JSON.stringify({ bench, when: new Date().toISOString(), node: process.version, cpus: cpus().length, memoryMb: Math.round(totalmem() / 2 ** 20), ...figures, goals })}`);
}

const children = new Set();
const folders = new Set();

/** Starts a process that ends with the benchmark, whatever happens. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], ...options, env: environment(options.env) });
  children.add(child);
  child.once('exit', () => children.delete(child));
  child.on('error', (error) => console.error(`cannot start ${command}: ${error.message}`));
  return child;
}

/** Our own environment without what would lead Flyball to another store. */
export function environment(more = {}) {
  const { FLYBALL_DATABASE_URL: _url, FLYBALL_DATA_DIR: _data, ...env } = process.env;
  return { ...env, ...more };
}

export const ended = (child) => child.exitCode !== null || child.signalCode !== null;

/** Ends one process and waits for its end; by force when it takes too long. Returns how long it took. */
export async function end(child, signal = 'SIGTERM') {
  if (ended(child)) return 0;
  const began = nowMs();
  const exited = new Promise((done) => child.once('exit', done));
  child.kill(signal);
  const force = setTimeout(() => child.kill('SIGKILL'), endMs);
  await exited;
  clearTimeout(force);
  return nowMs() - began;
}

/** Runs a program to its end and gives back its output; fails when the program does. */
export async function output(command, args, options = {}) {
  const child = start(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => (text += part));
  const code = await new Promise((done) => child.once('close', done).once('error', () => done(-1)));
  if (code !== 0) throw new Error(`\`${[command, ...args].join(' ')}\` ended with ${code}\n${text}`);
  return text;
}

export function temporary(name) {
  const folder = mkdtempSync(join(tmpdir(), `flyball-bench-${name}-`));
  folders.add(folder);
  return folder;
}

export async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

function sweep() {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  folders.clear();
}
process.on('exit', sweep);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130));

/** Runs a benchmark and leaves nothing behind. */
export async function main(bench) {
  try {
    await bench();
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  }
  await Promise.all([...children].map((child) => end(child)));
  process.exit();
}
