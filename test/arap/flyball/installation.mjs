import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePort } from '../../aarm/flyball/installation.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../../..');
const readyMs = 90_000;
const secretVariable = 'ARAP_CALLBACK_SECRET';
const policies = 'bundle/policies/reading.cedar';

/** The address under which the decision point is known; a proxy would end TLS there. */
export const origin = 'https://pdp.flyball.example';

/** A Flyball of the suite's own: its folder, its process. */
export class Installation {
  command = process.env['FLYBALL_COMMAND'] ?? join(root, 'packages/server/dist/main.js');
  #child;
  #log = '';

  static async start({ callback, secret, denialSeconds = 8 }) {
    const installation = new Installation();
    installation.folder = mkdtempSync(join(tmpdir(), 'flyball-arap-'));
    installation.ports = { machines: await freePort(), administrators: await freePort() };
    installation.machines = `http://127.0.0.1:${installation.ports.machines}`;
    installation.administrators = `http://127.0.0.1:${installation.ports.administrators}`;
    installation.environment = { ...process.env, [secretVariable]: secret };
    cpSync(join(here, '../bundle'), join(installation.folder, 'bundle'), { recursive: true });
    installation.original = installation.read(policies);
    writeFileSync(join(installation.folder, 'flyball.yaml'), configuration(installation.ports, callback, denialSeconds));
    try {
      await installation.resume();
    } catch (error) {
      installation.remove();
      throw error;
    }
    return installation;
  }

  read = (file) => readFileSync(join(this.folder, file), 'utf8');

  async resume() {
    this.#log = '';
    const child = spawn(process.execPath, ['--liftoff-only', this.command, '-c', join(this.folder, 'flyball.yaml'), 'up'], { env: this.environment, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#log += text;
      if (process.env['ARAP_LOG'] !== undefined) process.stderr.write(text);
    });
    const until = Date.now() + readyMs;
    while (!this.#log.includes('"ready"')) {
      if (child.exitCode !== null || Date.now() > until) throw new Error(`flyball did not start: ${this.#log.slice(-2_000)}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  pause = () => this.stop();

  async stop() {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await ended;
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** One `flyball` command. */
  async flyball(...words) {
    const { stdout } = await promisify(execFile)(process.execPath, [this.command, '-c', join(this.folder, 'flyball.yaml'), ...words], { env: this.environment, maxBuffer: 64 << 20 });
    return stdout.trim();
  }

  token = (identity) => this.flyball('token', identity);

  /** Other policies, from now on. */
  async usePolicies(change) {
    writeFileSync(join(this.folder, policies), change(this.original));
    await this.flyball('reload');
  }
}

const configuration = (ports, callback, denialSeconds) => `machines: { host: 127.0.0.1, port: ${ports.machines} }
administrators: { host: 127.0.0.1, port: ${ports.administrators} }
resource: ${origin}/mcp
identity: { local: true }
upstreams: {}
access_requests:
  denial_seconds: ${denialSeconds}
  grants_for_subjects_by: [pep]
  callbacks:
    - { url: "${callback}", identities: [pep], secret_from_env: ${secretVariable}, allow_private_address: true }
`;
