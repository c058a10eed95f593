import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../support/free-port.mjs';
import { listTools } from '../mcp.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../../..');
/** The command. Another build of it can be named. */
const command = process.env['FLYBALL_COMMAND'] ?? join(root, 'packages/server/dist/main.js');
const readyMs = 90_000;
export const callersOfAKind = 300;
/** What `prepare.mjs` leaves beside the configuration: ports, the issuer's key, who was used up. */
export const saved = 'aarm.json';
export const audience = 'http://flyball.aarm.example/mcp';
export { freePort };

/** Callers whose contexts are empty: a session belongs to its identity, so each check takes identities of its own. */
export const agentName = (role, number) => `${role}-${number}`;
const groups = { agent: ['agents'], guest: ['guests'], job: ['agents', 'jobs'] };
const kinds = { agent: 'agent', guest: 'agent', job: 'service-account' };
export const roles = Object.keys(groups);
export const groupsOf = (role) => groups[role];

/** A Flyball of the suite's own: its folder, its process. */
export class Installation {
  #child;
  #log = '';

  constructor(folder, ports) {
    this.folder = folder;
    this.machines = `http://127.0.0.1:${ports.machines}`;
    this.administrators = `http://127.0.0.1:${ports.administrators}`;
    this.ports = ports;
  }

  /** Writes configuration and bundle into a new folder. */
  static async write({ upstreamUrl, issuerUrl, folder = mkdtempSync(join(tmpdir(), 'flyball-aarm-')), ports, change = (files) => files }) {
    const chosen = ports ?? { machines: await freePort(), administrators: await freePort() };
    const installation = new Installation(folder, chosen);
    cpSync(join(here, 'bundle'), join(folder, 'bundle'), { recursive: true });
    const own = { 'flyball.yaml': configuration(chosen, upstreamUrl, issuerUrl), 'bundle/identities.yaml': identities(issuerUrl), 'bundle/tools/counting.json': JSON.stringify({ tools: await listTools(upstreamUrl) }) };
    const bundled = Object.fromEntries(['bundle/catalogue.yaml', 'bundle/people.yaml', policies].map((file) => [file, installation.read(file)]));
    for (const [file, text] of Object.entries(change({ ...own, ...bundled }))) installation.replace(file, text);
    return installation;
  }

  read = (file) => readFileSync(join(this.folder, file), 'utf8');

  replace(file, text) {
    mkdirSync(dirname(join(this.folder, file)), { recursive: true });
    writeFileSync(join(this.folder, file), text);
  }

  async start() {
    this.#log = '';
    const child = spawn(process.execPath, ['--liftoff-only', command, '-c', join(this.folder, 'flyball.yaml'), 'up'], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text) => this.#hear(text));
    const until = Date.now() + readyMs;
    while (!this.#log.includes('"ready"')) {
      if (child.exitCode !== null || Date.now() > until) throw new Error(`flyball did not start: ${this.#log.slice(-2_000)}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  #hear(text) {
    this.#log += text;
    if (process.env['AARM_LOG'] !== undefined) process.stderr.write(text);
  }

  async stop(signal = 'SIGTERM') {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await ended;
  }

  /** One file, or the whole folder. */
  remove(file = '') {
    rmSync(join(this.folder, file), { recursive: true, force: true });
  }
}

export const policies = 'bundle/policies/aarm.cedar';
/** Says whether the window is open; while it is not there, nobody knows. */
export const windowFile = 'window.json';

const configuration = (ports, upstreamUrl, issuerUrl) => `machines: { host: 127.0.0.1, port: ${ports.machines} }
administrators: { host: 127.0.0.1, port: ${ports.administrators} }
resource: ${audience}
identity:
  oidc:
    - { issuer: "${issuerUrl}", audience: "${audience}", jwks_url: "${issuerUrl}/jwks", allow_private_address: true }
facts:
  window: { sources: [{ file: { path: ${windowFile} } }], fresh_for: 1s, select: { open: /open } }
upstreams:
  counting: { url: "${upstreamUrl}" }
`;

function identities(issuerUrl) {
  const one = (role, number) => {
    const id = agentName(role, number);
    return `  - { id: ${id}, kind: ${kinds[role]}, autonomy: autonomous, owner: ann, purpose: conformance, groups: [${groups[role].join(', ')}], status: active, subjects: ["${issuerUrl}|${id}"] }`;
  };
  return `identities:\n${roles.flatMap((role) => Array.from({ length: callersOfAKind }, (_, number) => one(role, number))).join('\n')}\n`;
}
