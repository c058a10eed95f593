// npm run interop:authzen -- [DIR] [--json]: the interop vectors of a copy of openid/authzen (DIR, or FLYBALL_AUTHZEN_DIR)
// against Flyball, loaded with our own bundle for their scenarios (test/interop/bundle). Nothing of them is kept here.
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { DecisionPoint } from '../conformance/authzen.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const flyball = resolve(here, '../../packages/server/dist/main.js');
const readyMs = 60_000;

/**
 * Where the vectors are, and what is asked. Those of the drafts before 01 are left out: they put what decides outside of
 * `properties`, and version 1.0 has unknown members ignored.
 */
const scenarios = [
  { name: 'todo 1.0, draft 01', file: 'interop/authzen-todo-backend/test/decisions-authorization-api-1_0-01.json', least: 40 },
  { name: 'todo 1.0, draft 02', file: 'interop/authzen-todo-backend/test/decisions-authorization-api-1_0-02.json', least: 43 },
  { name: 'api-gateways', file: 'interop/authzen-api-gateways/test-harness/test/decisions.json', least: 25 },
  { name: 'search, subjects', file: 'interop/authzen-search-demo/test-harness/src/subject/results.json', endpoint: 'subject', least: 60 },
  { name: 'search, resources', file: 'interop/authzen-search-demo/test-harness/src/resource/results.json', endpoint: 'resource', least: 18 },
  { name: 'search, actions', file: 'interop/authzen-search-demo/test-harness/src/action/results.json', endpoint: 'action', least: 120 },
  { name: 'idp', file: 'interop/authzen-idp/test-harness/src/results.json', endpoint: 'resource', least: 6 },
];

/** Vectors of one file: what is asked of which endpoint, and what has to come back. */
function vectorsOf(directory, { name, file, endpoint, least }) {
  const lists = JSON.parse(readFileSync(join(directory, file), 'utf8'));
  const vectors = Object.entries(lists).flatMap(([list, items]) => items.map(({ request, expected }) => ({ scenario: name, endpoint: endpoint ?? list, request, expected })));
  if (vectors.length < least) throw new Error(`${file}: expected at least ${least} vectors, got ${vectors.length}`);
  return vectors;
}

const sorted = (results) => results.map(({ type, id, name }) => name ?? `${type}:${id}`).sort();

/** What of an answer the vectors speak of. */
function comparable({ json }, { endpoint, expected }) {
  switch (endpoint) {
    case 'evaluation':
      return [json?.decision, expected];
    case 'evaluations':
      return [json?.evaluations?.map(({ decision }) => decision), expected.map(({ decision }) => decision)];
    default:
      return [sorted(json?.results ?? [{ name: 'no results' }]), sorted(expected.results)];
  }
}

async function runVector(pdp, vector) {
  const answer = await pdp.post(vector.endpoint, vector.request);
  const [got, wanted] = comparable(answer, vector);
  const passed = answer.status === 200 && isDeepStrictEqual(got, wanted);
  return { scenario: vector.scenario, passed, ...(!passed && { request: vector.request, wanted, got, status: answer.status, text: answer.text.slice(0, 300) }) };
}

async function startFlyball() {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-interop-'));
  const config = join(folder, 'flyball.yaml');
  cpSync(join(here, 'bundle'), join(folder, 'bundle'), { recursive: true });
  writeFileSync(config, 'identity: { local: true }\nmachines: { host: 127.0.0.1, port: 0 }\nadministrators: { host: 127.0.0.1, port: 0 }\n');
  const { FLYBALL_DATABASE_URL: _store, FLYBALL_DATA_DIR: _data, ...env } = process.env;
  const child = spawn(process.execPath, [flyball, '-c', config, 'up'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (log += text));
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once('exit', done) && child.kill('SIGTERM'));
    rmSync(folder, { recursive: true, force: true });
  };
  for (const until = Date.now() + readyMs; ; await new Promise((done) => setTimeout(done, 50))) {
    const [, base] = /"machines":"([^"]*)\/mcp"/.exec(log) ?? [];
    if (base) return { base, token: execFileSync(process.execPath, [flyball, '-c', config, 'token', 'harness'], { env }).toString().trim(), stop };
    if (child.exitCode === null && Date.now() < until) continue;
    await stop();
    throw new Error(`Flyball did not start\n${log}`);
  }
}

function print(results) {
  for (const { scenario, passed, ...more } of results) if (!passed) console.log(`FAIL  ${scenario}\n${JSON.stringify(more, null, 2)}`);
  console.log('\n| scenario | vectors | passed | failed |\n| --- | --- | --- | --- |');
  const row = (name, rows) => console.log(`| ${name} | ${rows.length} | ${rows.filter(({ passed }) => passed).length} | ${rows.filter(({ passed }) => !passed).length} |`);
  for (const { name } of scenarios) row(name, results.filter(({ scenario }) => scenario === name));
  row('all', results);
}

const { values, positionals: [given = process.env.FLYBALL_AUTHZEN_DIR] } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } });
if (!given || !existsSync(join(given, 'interop'))) {
  console.error('expected a copy of the repository openid/authzen: npm run interop:authzen -- DIR, or FLYBALL_AUTHZEN_DIR=DIR');
  process.exit(2);
}
const vectors = scenarios.flatMap((scenario) => vectorsOf(given, scenario));
const { base, token, stop } = await startFlyball();
try {
  const pdp = new DecisionPoint(base, { token });
  const results = [];
  for (const vector of vectors) results.push(await runVector(pdp, vector));
  if (values.json) console.log(JSON.stringify(results));
  else print(results);
  process.exitCode = results.every(({ passed }) => passed) ? 0 : 1;
} finally {
  await stop();
}
