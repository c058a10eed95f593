import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadLocalKey, signLocalToken } from '../../packages/server/src/identity/index.js';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const flyball = join(root, 'packages/server/dist/main.js');
const template = join(root, '.cache/template-data');
const readyMs = 60_000;
/** Most governors of tests live for seconds, so the embedded store's WebAssembly is compiled once, quickly, and not again. */
export const quickly = '--liftoff-only';

/** One identity that may do everything, for tests in which permission is not the question. */
export const openBundle: Readonly<Record<string, string>> = {
  'bundle/catalogue.yaml': 'actions:\n  - { name: anything.use, tier: inspect, match: { upstream: "*", name: "*" } }\n',
  'bundle/identities.yaml': 'identities:\n  - { id: tester, kind: service-account, autonomy: scripted, owner: tests, purpose: testing, groups: [testers] }\n  - { id: other, kind: service-account, autonomy: scripted, owner: tests, purpose: testing, groups: [testers] }\n',
  'bundle/people.yaml': 'people:\n  - { id: ann, groups: [finance], administrator: true }\n  - { id: ben, groups: [finance] }\n',
  'bundle/policies/open.cedar': '@id("open") permit (principal in Group::"testers", action, resource);\n',
};

export interface GovernorOptions {
  /** Files beside flyball.yaml; `openBundle` where nothing is given. */
  readonly files?: Readonly<Record<string, string>>;
  /** YAML of `upstreams`, one line each, indented by two blanks. */
  readonly upstreams?: string;
  /** Further top-level YAML. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** An existing folder to run in again, with its data. */
  readonly directory?: string;
  /** The embedded store is as fast as users have it, after a slower start: for tests of load. */
  readonly loaded?: boolean;
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Writes a configuration and a bundle into a new folder; nothing runs yet. */
export function writeInstallation({ files = openBundle, upstreams = '', config = '', directory }: GovernorOptions = {}): string {
  const folder = directory ?? mkdtempSync(join(tmpdir(), 'flyball-test-'));
  const head = 'identity: { local: true }\nmachines: { host: 127.0.0.1, port: 0 }\nadministrators: { host: 127.0.0.1, port: 0 }\n';
  const all = { ...files, 'flyball.yaml': `${head.split('\n').filter((line) => line !== '' && !new RegExp(`^${line.split(':')[0] ?? ''}:`, 'm').test(config)).join('\n')}\n${config}\n${upstreams === '' ? 'upstreams: {}' : `upstreams:\n${upstreams}`}\n` };
  for (const [file, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  return folder;
}

/** Runs one `flyball` command to its end. */
export async function command(folder: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CommandResult> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [quickly, flyball, '-c', join(folder, 'flyball.yaml'), ...args], { env: { ...process.env, ...env }, maxBuffer: 64 << 20 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: number; stdout?: string; stderr?: string };
    return { code: typeof code === 'number' ? code : 1, stdout, stderr };
  }
}

export type Method = 'GET' | 'POST' | 'DELETE';

export interface DeskAnswer {
  readonly status: number;
  /** What a test says that it is. */
  readonly value: never;
}

/** A governor that runs as a process of its own, as users run it. */
export class RunningGovernor {
  constructor(
    readonly directory: string,
    readonly child: ChildProcess,
    readonly machines: string,
    readonly administrators: string,
    private readonly env: Readonly<Record<string, string>>,
    readonly log: () => string,
  ) {}

  url(path = '/mcp'): string {
    return `${this.machines}${path}`;
  }

  async token(identity: string, ...more: string[]): Promise<string> {
    // The port is chosen when the server starts, so the audience is the one that the tests' configuration names.
    const { code, stdout, stderr } = await command(this.directory, ['token', identity, ...more], this.env);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  }

  /** A token of the installation's own key, with which a person asks the administrators' API. */
  personToken(person: string): Promise<string> {
    return signLocalToken(loadLocalKey(join(this.directory, '.flyball')), { subject: person, audience: 'flyball:administrators', nowMs: Date.now(), ttlMs: 600_000 });
  }

  /** Asks the administrators' API as a person. */
  async ask(person: string, method: Method, path: string, body?: object): Promise<DeskAnswer> {
    const token = await this.personToken(person);
    const response = await fetch(`${this.administrators}${path}`, { method, headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) }, ...(body && { body: JSON.stringify(body) }) });
    return { status: response.status, value: (await response.json()) as never };
  }

  /** Opens a session of whoever the token is of; its id. */
  async openSession(token: string, wish: object = {}): Promise<string> {
    const response = await fetch(this.url('/v1/sessions'), { method: 'POST', body: JSON.stringify(wish), headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });
    if (response.status !== 201) throw new Error(await response.text());
    return ((await response.json()) as { session: string }).session;
  }

  kill(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return Promise.resolve();
    const exited = new Promise<void>((done) => this.child.once('exit', () => done()));
    this.child.kill(signal);
    return exited;
  }

  stop(): Promise<void> {
    return this.kill('SIGTERM');
  }

  /** Ends it and removes its folder. */
  async remove(): Promise<void> {
    await this.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Starts `flyball up` on free ports and waits until it is ready. */
export async function startGovernor(options: GovernorOptions = {}): Promise<RunningGovernor> {
  const folder = options.directory ?? writeInstallation(options);
  const env = { ...options.env };
  if (env['FLYBALL_DATABASE_URL'] === undefined) await fromTemplate(join(folder, '.flyball'));
  const child = spawn(process.execPath, [...(options.loaded ? [] : [quickly]), flyball, '-c', join(folder, 'flyball.yaml'), 'up'], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ready = await waitFor(() => /"machines":"([^"]*)\/mcp","administrators":"([^"]*)"/.exec(log) ?? (child.exitCode === null ? undefined : 'ended'));
  if (ready === 'ended') throw new Error(`the governor ended: ${log}`);
  return new RunningGovernor(folder, child, ready[1] ?? '', ready[2] ?? '', env, () => log);
}

/** The store, and the keys of the log that is in it. */
const parts = ['pg', 'log', 'log-key.pem'];

/** A new embedded store takes seconds to make; a copy of one takes a fraction. */
async function fromTemplate(data: string): Promise<void> {
  if (existsSync(join(data, 'pg'))) return;
  if (!existsSync(template)) {
    const folder = writeInstallation();
    await command(folder, ['sessions']);
    mkdirSync(dirname(template), { recursive: true });
    const mine = `${template}.${process.pid}`;
    for (const part of parts) cpSync(join(folder, '.flyball', part), join(mine, part), { recursive: true });
    if (existsSync(template)) rmSync(mine, { recursive: true });
    else renameSync(mine, template);
    rmSync(folder, { recursive: true });
  }
  cpSync(template, data, { recursive: true });
}

/** Waits until the question has an answer. Throws when it has none in time. */
export async function waitFor<T>(question: () => T | undefined | Promise<T | undefined>, ms = readyMs): Promise<T> {
  const until = Date.now() + ms;
  for (;;) {
    const answer = await question();
    if (answer !== undefined) return answer;
    if (Date.now() > until) throw new Error('waited in vain');
    await new Promise((done) => setTimeout(done, 50));
  }
}
