// Flyball as a target: a gateway before the suite's own server, with the bundle beside this file.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateKeyPair } from 'jose';
import { TokenIssuer } from '../aarm/flyball/issuer.mjs';
import { freePort } from '../support/free-port.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const command = process.env['FLYBALL_COMMAND'] ?? join(resolve(here, '../..'), 'packages/server/dist/main.js');
const audience = 'http://mcp.flyball.example/mcp';
const people = { agent: 'agents', guest: 'guests', nobody: 'guests' };
const readyMs = 90_000;
const longAgo = 7_200;

/** What is answered otherwise than the draft says, and where that is decided. */
const differs = { M7: 'the transport asks for -32601 for a method that nobody knows: docs/decisions/0003' };

export async function createTarget({ upstream }) {
  const issuer = await new TokenIssuer().listen();
  const folder = mkdtempSync(join(tmpdir(), 'flyball-coaz-'));
  const ports = { machines: await freePort(), administrators: await freePort() };
  write(folder, ports, upstream.url, issuer.url);
  const child = await start(folder);
  const token = (agent, more = {}) => issuer.token(agent, { audience, ...more });
  return {
    name: 'Flyball',
    url: `http://127.0.0.1:${ports.machines}/mcp/double`,
    differs,
    tokens: { agent: await token('agent'), guest: await token('guest'), nobody: await token('nobody'), many: await token('agent', { audience: ['http://another.example/mcp', audience, 'http://third.example'] }) },
    badTokens: async () => ({
      'with another signature': await token('agent', { key: (await generateKeyPair('ES256')).privateKey }),
      'that is over': await token('agent', { age: longAgo }),
      'for another server': await token('agent', { audience: 'http://another.example/mcp' }),
      'of nobody': 'nonsense',
    }),
    stop: async () => {
      const ended = new Promise((done) => child.once('exit', done));
      child.kill('SIGTERM');
      await ended;
      issuer.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function write(folder, ports, upstream, issuer) {
  cpSync(join(here, 'bundle'), join(folder, 'bundle'), { recursive: true });
  mkdirSync(join(folder, 'bundle'), { recursive: true });
  const identities = Object.entries(people).map(([id, group]) => `  - { id: ${id}, kind: agent, autonomy: autonomous, owner: ann, purpose: conformance, groups: [${group}], subjects: ["${issuer}|${id}"] }`);
  writeFileSync(join(folder, 'bundle/identities.yaml'), `identities:\n${identities.join('\n')}\n`);
  writeFileSync(
    join(folder, 'flyball.yaml'),
    `machines: { host: 127.0.0.1, port: ${ports.machines} }
administrators: { host: 127.0.0.1, port: ${ports.administrators} }
resource: ${audience}
identity:
  oidc:
    - { issuer: "${issuer}", audience: "${audience}", jwks_url: "${issuer}/jwks", allow_private_address: true }
upstreams:
  double: { url: "${upstream}", unlisted_tools: catalogued }
`,
  );
}

async function start(folder) {
  const child = spawn(process.execPath, ['--liftoff-only', command, '-c', join(folder, 'flyball.yaml'), 'up'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log += text;
    if (process.env['COAZ_LOG'] !== undefined) process.stderr.write(text);
  });
  const until = Date.now() + readyMs;
  while (!log.includes('"ready"')) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`flyball did not start: ${log.slice(-2_000)}`);
    await new Promise((done) => setTimeout(done, 50));
  }
  return child;
}
