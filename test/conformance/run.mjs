// npm run conformance:mcp: the official MCP conformance suites against an everything-server, directly and through
// Flyball. No check that passes directly may be worse through Flyball. Installs what it needs into .cache/.
//
//   MCP_FIXTURE_COMMAND  serves an everything-server on 127.0.0.1:$PORT/mcp; by default the one in the PyPI package mcp
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.mjs';
import { compare, summary } from './compare.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const cache = join(root, '.cache/conformance');
const results = join(cache, 'results');
const suites = [
  { name: '0.1.16', install: '@modelcontextprotocol/conformance@0.1.16', args: [] },
  { name: '2025-11-25', install: '@modelcontextprotocol/conformance@0.2.0-alpha.12', args: ['--requirements', '2025-11-25'] },
  { name: '2026-07-28', install: '@modelcontextprotocol/conformance@0.2.0-alpha.12', args: ['--requirements', '2026-07-28'] },
];
const pypi = { name: 'mcp', version: '2.3.0', folder: 'mcp-2.3.0/examples/servers/everything-server' };
const suiteMs = 240_000;
const portMs = 30_000;

const say = (text) => console.log(`> ${text}`);
const children = [];

function install(folder, what) {
  const at = join(cache, folder);
  if (existsSync(join(at, 'node_modules'))) return at;
  say(`installing ${what}`);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'package.json'), '{"private":true}');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', what], { cwd: at, stdio: ['ignore', 'ignore', 'inherit'] });
  return at;
}

/** The everything-server of the Python SDK: one process speaks both eras. */
function pythonFixture() {
  const bin = join(cache, 'python/bin');
  if (!existsSync(join(bin, 'mcp-everything-server'))) {
    say(`installing the everything-server of PyPI's ${pypi.name} ${pypi.version}`);
    const run = (command, args) => execFileSync(command, args, { cwd: cache, stdio: ['ignore', 'ignore', 'inherit'] });
    run('python3', ['-m', 'venv', 'python']);
    run(join(bin, 'pip'), ['-q', '--disable-pip-version-check', 'install', `${pypi.name}==${pypi.version}`]);
    run(join(bin, 'pip'), ['-q', '--disable-pip-version-check', 'download', `${pypi.name}==${pypi.version}`, '--no-deps', '--no-binary', ':all:', '-d', '.']);
    run('tar', ['xzf', `${pypi.name}-${pypi.version}.tar.gz`, pypi.folder]);
    run(join(bin, 'pip'), ['-q', '--disable-pip-version-check', 'install', `./${pypi.folder}`]);
  }
  return `exec ${join(bin, 'mcp-everything-server')} --port "$PORT"`;
}

/** Logs go to files: a pipe that nobody reads while a suite runs would fill up and stop its writer. */
function start(command, env, log) {
  const file = openSync(join(cache, log), 'w');
  const child = spawn('bash', ['-c', command], { env: { ...process.env, ...env }, stdio: ['ignore', file, file], detached: true });
  children.push(child);
  return child;
}

async function waitFor(url) {
  const until = Date.now() + portMs;
  while (Date.now() < until) {
    try {
      await fetch(url, { method: 'OPTIONS', signal: AbortSignal.timeout(1_000) });
      return;
    } catch {
      await new Promise((done) => setTimeout(done, 200));
    }
  }
  throw new Error(`nothing answers at ${url}`);
}

const flyball = [process.execPath, join(root, 'packages/server/dist/main.js')];

/** A governor in front of the fixture, with one identity that may use all of it. */
async function governor(fixture, port, adminPort) {
  const folder = join(cache, 'governor');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'bundle/policies'), { recursive: true });
  const write = (file, text) => writeFileSync(join(folder, file), text);
  write('flyball.yaml', `identity: { local: true }
machines: { host: 127.0.0.1, port: ${port} }
administrators: { host: 127.0.0.1, port: ${adminPort} }
upstreams:
  everything: { url: "${fixture}", unlisted_tools: catalogued }
`);
  write('bundle/catalogue.yaml', 'actions:\n  - { name: everything.use, tier: inspect, match: { upstream: everything, name: "*" } }\n');
  write('bundle/identities.yaml', 'identities:\n  - { id: suite, kind: service-account, autonomy: scripted, owner: tests, purpose: conformance, groups: [suites] }\n');
  write('bundle/policies/suite.cedar', '@id("suite") permit (principal in Group::"suites", action, resource);\n');
  const config = join(folder, 'flyball.yaml');
  start(`exec "$NODE" "$FLYBALL" -c "${config}" up`, { NODE: flyball[0], FLYBALL: flyball[1] }, 'governor.log');
  const token = execFileSync(flyball[0], [flyball[1], '-c', config, 'token', 'suite']).toString().trim();
  return { url: `http://localhost:${port}/mcp/everything`, token };
}

/** The suites have no way to send a credential, so a module loaded before them adds the header. */
function headersModule(token) {
  const file = join(cache, 'headers.mjs');
  writeFileSync(file, `import dc from 'node:diagnostics_channel';
dc.subscribe('undici:request:create', ({ request }) => request.addHeader('authorization', 'Bearer ${token}'));
dc.subscribe('http.client.request.created', ({ request }) => request.setHeader('authorization', 'Bearer ${token}'));
`);
  return { NODE_OPTIONS: `--import file://${file}` };
}

function runSuite(node, suite, url, target, env) {
  const out = join(results, target, suite.name);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const folder = install(suite.install.replaceAll(/[^a-z0-9.]/g, '-'), suite.install);
  const script = join(folder, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
  let text = '';
  try {
    text = execFileSync(node, [script, 'server', '--url', url, ...suite.args, '-o', out], { env: { ...process.env, ...env }, timeout: suiteMs, stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 64 << 20 }).toString();
  } catch (error) {
    text = `${error.stdout ?? ''}`;
  }
  writeFileSync(join(out, 'output.txt'), text);
  const checks = readdirSync(out).filter((name) => existsSync(join(out, name, 'checks.json'))).flatMap((name) => {
    const scenario = name.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, '');
    return JSON.parse(readFileSync(join(out, name, 'checks.json'), 'utf8')).map(({ id, status, errorMessage }) => ({ scenario, id, status, errorMessage }));
  });
  const thrown = [...text.matchAll(/Failed to run scenario (\S+)/g)].map(([, scenario]) => scenario);
  return { checks, thrown };
}

async function main() {
  mkdirSync(cache, { recursive: true });
  const node = join(install('node-24', 'node@24'), 'node_modules/.bin/node');
  const command = process.env.MCP_FIXTURE_COMMAND ?? pythonFixture();
  const [fixturePort, port, adminPort] = [await freePort(), await freePort(), await freePort()];
  const fixture = `http://localhost:${fixturePort}/mcp`;
  say('starting the everything-server and the governor');
  start(command, { PORT: String(fixturePort), NODE24: node }, 'fixture.log');
  await waitFor(fixture);
  const { url, token } = await governor(fixture.replace('localhost', '127.0.0.1'), port, adminPort);
  await waitFor(url);
  const env = headersModule(token);
  let worse = 0;
  for (const suite of suites) {
    say(`suite ${suite.name}: directly, then through Flyball`);
    const direct = runSuite(node, suite, fixture, 'direct', {});
    const through = runSuite(node, suite, url, 'through', env);
    const lost = compare(direct, through);
    worse += lost.length;
    console.log(`${suite.name}: direct ${summary(direct)}; through Flyball ${summary(through)}; ${lost.length} worse`);
    lost.forEach((line) => console.log(`  worse: ${line}`));
    if (summary(direct).startsWith('0 ')) throw new Error('the suite examined nothing');
  }
  console.log(worse === 0 ? 'through Flyball, not one check fewer' : `${worse} checks are worse through Flyball`);
  return worse === 0 ? 0 : 1;
}

let code = 1;
try {
  code = await main();
} finally {
  for (const child of children) {
    try {
      process.kill(-child.pid, 'SIGTERM');
    } catch {
      // It has ended already.
    }
  }
}
process.exit(code);
