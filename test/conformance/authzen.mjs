// npm run conformance:authzen -- [URL] [--token T] [--ca FILE] [--level basic|batch|search|discovery] [--json]
// The AuthZEN certification scenario, every check of every level, against a policy decision point that has its fixture.
// Without a URL it starts Flyball with the fixture: flyball up --fixture authzen-certification.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.mjs';
import { checks } from './authzen-checks.mjs';
import { reach, read, Refused, runCommand, urlOf } from './command.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const readyMs = 60_000;
const answerMs = 30_000;
const defaults = { evaluation: '/access/v1/evaluation', evaluations: '/access/v1/evaluations', subject: '/access/v1/search/subject', resource: '/access/v1/search/resource', action: '/access/v1/search/action' };
const parameters = { evaluation: 'access_evaluation_endpoint', evaluations: 'access_evaluations_endpoint', subject: 'search_subject_endpoint', resource: 'search_resource_endpoint', action: 'search_action_endpoint' };

/** A decision point by its base address; its endpoints are those of its metadata, else the default paths (section 6.6). */
export class DecisionPoint {
  #found = {};

  constructor(base, { token, ca } = {}) {
    this.base = base.replace(/\/$/, '');
    this.token = token;
    this.ca = ca;
  }

  async discover() {
    const { status, json } = await this.metadata();
    if (status === 200 && json) this.#found = Object.fromEntries(Object.entries(parameters).flatMap(([name, member]) => (typeof json[member] === 'string' ? [[name, json[member]]] : [])));
    return this;
  }

  url(endpoint) {
    return new URL(this.#found[endpoint] ?? `${this.base}${defaults[endpoint]}`);
  }

  metadata() {
    const { origin, pathname } = new URL(this.base);
    return this.get(`${origin}/.well-known/authzen-configuration${pathname === '/' ? '' : pathname}`);
  }

  get(url) {
    return this.#send(new URL(url), 'GET', undefined, {});
  }

  post(endpoint, body, { text, headers = {} } = {}) {
    return this.#send(this.url(endpoint), 'POST', text ?? JSON.stringify(body), { 'content-type': 'application/json', ...headers });
  }

  #send(url, method, body, headers) {
    const all = { ...(this.token && { authorization: `Bearer ${this.token}` }), ...headers, ...(body !== undefined && { 'content-length': Buffer.byteLength(body) }) };
    return new Promise((done, failed) => {
      const send = url.protocol === 'https:' ? secureRequest : plainRequest;
      const request = send(url, { method, headers: all, ca: this.ca, timeout: answerMs }, (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part)).on('error', failed).on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          done({ status: response.statusCode, headers: response.headers, text, json: jsonOf(text) });
        });
      });
      request.on('timeout', () => request.destroy(new Error('no answer in time'))).on('error', failed).end(body);
    });
  }
}

function jsonOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Every check by itself: one that fails stops no other. */
export async function runChecks(pdp, wanted = checks) {
  const results = [];
  for (const { level, section, what, run } of wanted) {
    const why = await run(pdp).then(() => undefined, (error) => error.message);
    results.push({ level, section, what, passed: why === undefined, ...(why !== undefined && { why }) });
  }
  return results;
}

/** Flyball with the fixture, on a free port, its data in a folder that is removed with it. */
export async function startFixture() {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-authzen-'));
  const { FLYBALL_DATABASE_URL: _store, ...env } = process.env;
  const port = String(await freePort());
  const child = spawn(process.execPath, [join(root, 'packages/server/dist/main.js'), 'up', '--fixture', 'authzen-certification', '--port', port], { cwd: folder, env: { ...env, FLYBALL_DATA_DIR: join(folder, 'data') }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [text, errors] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (part) => (text += part));
  child.stderr.setEncoding('utf8').on('data', (part) => (errors += part));
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) await new Promise((done) => child.once('exit', done) && child.kill('SIGTERM'));
    rmSync(folder, { recursive: true, force: true });
  };
  for (const until = Date.now() + readyMs; !/for a day: (\S+)\n/.test(text); await new Promise((done) => setTimeout(done, 50))) {
    if (child.exitCode === null && Date.now() < until) continue;
    await stop();
    throw new Error(`Flyball did not start\n${errors}`);
  }
  const of = (pattern) => pattern.exec(text)?.[1] ?? '';
  return { base: of(/decision point: (\S+)/), token: of(/for a day: (\S+)/), ca: readFileSync(of(/certificate: (\S+)/)), stop };
}

function print(results) {
  for (const { level, section, what, passed, why } of results) console.log(`${passed ? 'pass' : 'FAIL'}  ${section.padEnd(10)}  ${level.padEnd(17)}  ${what}${why ? `\n      ${why}` : ''}`);
  console.log('\n| level | checks | passed | failed |\n| --- | --- | --- | --- |');
  for (const level of [...new Set(results.map((row) => row.level))]) {
    const own = results.filter((row) => row.level === level);
    const passed = own.filter((row) => row.passed).length;
    console.log(`| ${level} | ${own.length} | ${passed} | ${own.length - passed} |`);
  }
  const passed = results.filter((row) => row.passed).length;
  console.log(`| all | ${results.length} | ${passed} | ${results.length - passed} |`);
}

const usage = `npm run conformance:authzen -- [URL] [options]

  URL           base address of a policy decision point that has the scenario's fixture; without it, Flyball is started with it
  --token T     the bearer token to ask with
  --ca FILE     the certificate (PEM) to trust, for a server whose certificate nobody known has signed
  --level L     basic, batch, search or discovery alone
  --json        the results as JSON`;

async function main(values, [url]) {
  const given = { token: values.token, ca: values.ca === undefined ? undefined : read(values.ca, 'the certificate of --ca,') };
  const fixture = url === undefined ? await startFixture() : undefined;
  try {
    const pdp = new DecisionPoint(fixture?.base ?? urlOf(url), { token: given.token ?? fixture?.token, ca: given.ca ?? fixture?.ca });
    await reach(pdp.base, () => pdp.discover());
    const wanted = checks.filter(({ level }) => values.level === undefined || level.toLowerCase().startsWith(values.level.toLowerCase()));
    if (wanted.length === 0) throw new Refused(`no level \`${values.level}\`; there are ${[...new Set(checks.map(({ level }) => level))].join(', ')}`);
    const results = await runChecks(pdp, wanted);
    if (values.json) console.log(JSON.stringify(results));
    else print(results);
    return results.every((row) => row.passed) ? 0 : 1;
  } finally {
    await fixture?.stop();
  }
}

const options = { token: { type: 'string' }, ca: { type: 'string' }, level: { type: 'string' }, json: { type: 'boolean' } };
if (process.argv[1] === fileURLToPath(import.meta.url)) await runCommand(usage, options, main);
