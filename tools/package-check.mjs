// npm run check:package: packs the packages, installs them in an empty folder, and governs a real MCP server there with a
// real MCP client, through npx, as a user would.
import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'flyball-package-'));
const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).devDependencies;
const foreign = ['@modelcontextprotocol/client', '@modelcontextprotocol/server-filesystem'].map((name) => `${name}@${own[name]}`);
const run = (command, args, cwd) => execFileSync(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] }).toString();
const endMs = 10_000;
const readyMs = 60_000;

console.log('> packing');
const packages = ['protocol', 'tlog', 'verify', 'cedar', 'server'];
for (const name of packages) run('npm', ['pack', '--silent', '--pack-destination', folder], join(root, 'packages', name));
const tarballs = readdirSync(folder).filter((file) => file.endsWith('.tgz'));
if (tarballs.length !== packages.length) throw new Error(`expected ${packages.length} tarballs, got ${tarballs.join(', ')}`);

console.log('> installing them in an empty folder');
writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', ...tarballs.map((file) => `./${file}`), ...foreign], folder);

console.log('> npx flyball init, policy check, token, up');
run('npx', ['flyball', 'init', 'house'], folder);
const house = join(folder, 'house');
const config = join(house, 'flyball.yaml');
const text = readFileSync(config, 'utf8').replace(/port: 760\d/g, 'port: 0').replace('upstreams: {}', 'upstreams:');
writeFileSync(config, `${text}\n  files:\n    command: [node, ../node_modules/@modelcontextprotocol/server-filesystem/dist/index.js, ${house}]\nsign_in: { issuer: "https://idp.example", client_id: flyball, address: "http://localhost:7601" }\n`);
writeFileSync(join(house, 'bundle/catalogue.yaml'), 'actions:\n  - { name: files.list, tier: inspect, match: { upstream: files, name: list_directory } }\n');
appendFileSync(join(house, 'bundle/policies/basics.cedar'), '\n@id("agents-list") permit (principal in Group::"agents", action == Action::"files.list", resource);\n');
console.log(run('npx', ['flyball', '-c', config, 'policy', 'check'], folder).trim());
const token = run('npx', ['flyball', '-c', config, 'token', 'first-agent'], folder).trim();
const governor = spawn('npx', ['flyball', '-c', config, 'up'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'], detached: true });

let log = '';
let failed = 1;
/** It adds to its log until the last process of its group has ended. */
async function ended({ pid }) {
  process.kill(-pid, 'SIGTERM');
  for (const until = Date.now() + endMs; Date.now() < until; await new Promise((done) => setTimeout(done, 100))) {
    try {
      process.kill(-pid, 0);
    } catch {
      return;
    }
  }
  process.kill(-pid, 'SIGKILL');
}

try {
  const [url, administrators] = await new Promise((done, fail) => {
    const timer = setTimeout(() => fail(new Error(`the governor is not ready: ${log}`)), readyMs);
    governor.stderr.setEncoding('utf8').on('data', (part) => {
      log += part;
      const match = /"machines":"([^"]*)","administrators":"([^"]*)"/.exec(log);
      if (match) {
        clearTimeout(timer);
        done(match.slice(1));
      }
    });
    governor.on('exit', () => fail(new Error(`the governor ended: ${log}`)));
  });
  const { Client, StreamableHTTPClientTransport } = await import(join(folder, 'node_modules/@modelcontextprotocol/client/dist/index.mjs'));
  const client = new Client({ name: 'package-check', version: '1' }, {});
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { authProvider: { token: async () => token } }));
  const allowed = await client.callTool({ name: 'list_directory', arguments: { path: house } });
  const denied = await client.callTool({ name: 'write_file', arguments: { path: join(house, 'x'), content: 'x' } });
  await client.close();
  if (allowed.isError || !JSON.stringify(allowed).includes('flyball.yaml')) throw new Error(`expected a listing, got ${JSON.stringify(allowed)}`);
  if (denied._meta?.['flyball/decision']?.outcome !== 'deny') throw new Error(`expected a denial, got ${JSON.stringify(denied)}`);
  for (const path of ['/', '/pages/main.js', '/pages/style.css']) {
    const page = await fetch(`${administrators}${path}`);
    if (!page.ok || !page.headers.has('content-security-policy')) throw new Error(`expected the page ${path}, got status ${page.status}`);
  }
  console.log('one call allowed, one denied: the packed package works');
  failed = 0;
} finally {
  await ended(governor);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 500 });
}
process.exit(failed);
