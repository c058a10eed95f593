// An installation of Flyball for a benchmark: its files, its process and one client.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { end, ended, environment, flyball, nowMs, output, sleep, start } from './support.mjs';

const readyMs = 120_000;
const names = (count) => Array.from({ length: count }, (_, index) => String(index + 1));

/**
 * Bundles that allow the echo tool. `policies` of them in all: with `distinct` each of the others is about an
 * action of its own, with `shared` all are about the echo tool and have to be asked on every call.
 */
export function bundleWith(policies, kind = 'distinct') {
  const others = names(policies - 1);
  const actions = kind === 'distinct' ? others.map((n) => `  - { name: other.use-${n}, tier: inspect, match: { upstream: other, name: tool-${n} } }\n`) : [];
  const rules = others.map((n) =>
    kind === 'distinct'
      ? `@id("other-${n}") permit (principal in Group::"benches", action == Action::"other.use-${n}", resource);\n`
      : `@id("guard-${n}") forbid (principal, action == Action::"echo.use", resource) when { context.session.purpose == "purpose-${n}" };\n`,
  );
  const protocol = '@id("protocol") permit (principal in Group::"benches", action in Action::"mcp-protocol", resource);\n';
  return {
    'bundle/catalogue.yaml': `actions:\n  - { name: echo.use, tier: inspect, match: { upstream: "*", name: echo } }\n${actions.join('')}`,
    'bundle/identities.yaml': 'identities:\n  - { id: bench, kind: service-account, autonomy: scripted, owner: bench, purpose: measuring, groups: [benches] }\n',
    'bundle/people.yaml': 'people: []\n',
    'bundle/policies/bench.cedar': `@id("echo") permit (principal in Group::"benches", action == Action::"echo.use", resource);\n${protocol}${rules.join('')}`,
  };
}

export class Installation {
  /** @param upstream address of the one upstream, `echo`; none for `flyball mcp` */
  constructor(folder, { files = bundleWith(1), upstream } = {}) {
    this.folder = folder;
    this.config = join(folder, 'flyball.yaml');
    const listeners = 'machines: { host: 127.0.0.1, port: 0 }\nadministrators: { host: 127.0.0.1, port: 0 }\n';
    const upstreams = upstream === undefined ? 'upstreams: {}\n' : `upstreams:\n  echo: { url: "${upstream}" }\n`;
    for (const [name, text] of Object.entries({ ...files, 'flyball.yaml': `identity: { local: true }\n${listeners}${upstreams}` })) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
  }

  get data() {
    return join(this.folder, '.flyball');
  }

  /** A store that exists already: making a new one takes seconds. */
  copyStore(from) {
    mkdirSync(this.data, { recursive: true, mode: 0o700 });
    for (const part of ['pg', 'log', 'log-key.pem']) cpSync(join(from.data, part), join(this.data, part), { recursive: true });
    return this;
  }

  /** Starts `flyball up` and waits until it is ready. */
  async up(env = {}) {
    // Flags for Node, such as --cpu-prof, for looking into what a benchmark shows.
    const flags = process.env.FLYBALL_BENCH_NODE?.split(' ') ?? [];
    this.child = start(process.execPath, [...flags, flyball, '-c', this.config, 'up'], { stdio: ['ignore', 'ignore', 'pipe'], env: { FLYBALL_LOG: 'info', ...env } });
    let log = '';
    this.child.stderr.setEncoding('utf8').on('data', (text) => (log = (log + text).slice(-100_000)));
    this.child.once('exit', (code, signal) => {
      if (code !== 0 && !this.stopping) console.error(`flyball up ended by itself (${code ?? signal})\n${log.slice(-3_000)}`);
    });
    this.stopping = false;
    for (const until = nowMs() + readyMs; ; await sleep(2)) {
      const ready = /"machines":"([^"]*)\/mcp","administrators"/.exec(log);
      if (ready) return Object.assign(this, { base: ready[1] });
      if (ended(this.child) || nowMs() > until) throw new Error(`the governor did not become ready\n${log}`);
    }
  }

  async down(signal) {
    this.stopping = true;
    if (this.child) await end(this.child, signal);
  }

  async token() {
    this.bearer ??= (await output(process.execPath, [flyball, '-c', this.config, 'token', 'bench', '--ttl', '86400'])).trim();
    return this.bearer;
  }

  /** The installation as a target of bench.mjs. */
  async target(name, path) {
    return { name, kind: 'http', target: `${this.base}${path}`, headers: { authorization: `Bearer ${await this.token()}` }, pids: [this.child.pid] };
  }

  memoryMb() {
    const status = existsSync(`/proc/${this.child.pid}/status`) ? readFileSync(`/proc/${this.child.pid}/status`, 'utf8') : '';
    const of = (field) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? NaN) / 1024;
    return { rss: of('VmRSS'), peak: of('VmHWM') };
  }
}

const initialize = { jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'bench', version: '1' } } };
const initialized = { jsonrpc: '2.0', method: 'notifications/initialized' };
const call = { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'echo', arguments: { message: 'first' } } };

function verifyEcho(text) {
  if (!text.includes('Echo: first')) throw new Error(`expected the echoed message, got ${text.slice(0, 300)}`);
}

/** From spawning `flyball up` to its first governed answer, in milliseconds; the process is left running. */
export async function coldUp(installation) {
  const token = await installation.token();
  const began = nowMs();
  await installation.up();
  const ready = nowMs() - began;
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', authorization: `Bearer ${token}` };
  const post = async (body, more = {}) => fetch(`${installation.base}/mcp/echo`, { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(body) });
  const first = await post(initialize);
  await first.text();
  const connection = first.headers.get('mcp-session-id');
  const more = { 'mcp-protocol-version': '2025-06-18', ...(connection !== null && { 'mcp-session-id': connection }) };
  await (await post(initialized, more)).text();
  verifyEcho(await (await post(call, more)).text());
  return { ready, answered: nowMs() - began };
}

/** The same for `flyball mcp`, to its end. */
export async function coldMcp(installation, upstream) {
  const began = nowMs();
  const child = start(process.execPath, mcpCommand(installation, upstream).slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  const send = (message) => child.stdin.write(`${JSON.stringify(message)}\n`);
  send(initialize);
  let answered = NaN;
  for await (const line of createInterface({ input: child.stdout })) {
    const { id } = JSON.parse(line);
    if (id === initialize.id) [initialized, call].forEach(send);
    if (id !== call.id) continue;
    verifyEcho(line);
    answered = nowMs() - began;
    break;
  }
  child.stdin.end();
  await end(child);
  return { answered };
}

export const mcpCommand = (installation, upstream) => [process.execPath, flyball, '-c', installation.config, 'mcp', '--as', 'bench', '--', process.execPath, upstream, '--stdio'];

/** Runs one of the shared tools in a group of its own and waits until everything that it started has ended. */
export async function runTool(file, args) {
  const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'ignore', 'inherit'], detached: true, env: environment() });
  const stop = () => killGroup(child.pid, 'SIGKILL');
  process.once('exit', stop);
  const code = await new Promise((done) => child.once('exit', done));
  for (const until = nowMs() + 15_000; killGroup(child.pid, 0) && nowMs() < until; ) await sleep(20);
  killGroup(child.pid, 'SIGKILL');
  process.off('exit', stop);
  if (code !== 0) throw new Error(`${file} ended with ${code}`);
}

function killGroup(pid, signal) {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}
