// What an AuthZEN evaluation costs a server: see `usage`.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { Installation } from './installation.mjs';
import { startPostgres } from './postgres.mjs';
import { end, finish, freePort, goal, main, median, nowMs, optionsOf, output, printTable, root, round, sleep, start, temporary } from './support.mjs';

const usage = `usage: npm run bench -- authzen [--quick] [--rounds N] [--ms N] [--connections N] [--policies N] [--only echo,embedded,postgres,cerbos,opa]
Evaluations per second of the server's own CPU time, with the record on, beside a bare node:http server that parses the
request and answers, and beside Cerbos (audit on, into a file) and OPA (decision log on) with the same rules and the same
questions. Cerbos is installed into .cache/ from npm; OPA is built through the Go proxy (tools/opa.mjs); a part that is
not to be had here is left out, and said. What PostgreSQL itself uses is not the server's and is shown beside it.`;
const options = optionsOf(usage, { quick: { type: 'boolean' }, full: { type: 'boolean' }, rounds: { type: 'string' }, ms: { type: 'string' }, connections: { type: 'string' }, policies: { type: 'string' }, only: { type: 'string' }, opa: { type: 'string' } });
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const roundMs = Number(options.ms ?? (options.quick ? 1_500 : 4_000));
const warmMostMs = 120_000;
/** Code runs at its full speed only when it has run often. */
const warmAnswers = options.quick ? 5_000 : 30_000;
const connections = Number(options.connections ?? 64);
const policies = Number(options.policies ?? 1_000);
const parts = new Set((options.only ?? 'echo,embedded,postgres,cerbos,opa').split(','));
const [usersMost, groupsMost, requestsMost] = [500, 20, 5_000];
const allowedPart = 0.8;
const cerbosVersion = '0.51.0';
const actionsMost = Math.max(4, Math.ceil(policies / 10));

let state = 7;
const below = (limit) => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
};

/** Rules as teams write them: who, what, up to where; one in ten forbids. */
const rules = Array.from({ length: policies }, (_, index) => ({ id: `p${index}`, effect: index % 10 === 9 ? 'forbid' : 'permit', group: `g${below(groupsMost)}`, action: `a${index % actionsMost}`, most: below(1_000), level: below(5) }));
const groupsOf = (user) => [...new Set([`g${user % groupsMost}`, `g${(user * 7) % groupsMost}`])];
const levelOf = (user) => user % 5;
const applies = (rule, { user, action, amount }) => rule.action === action && groupsOf(user).includes(rule.group) && amount < rule.most && levelOf(user) >= rule.level;
const isAllowed = (asked) => rules.some((rule) => rule.effect === 'permit' && applies(rule, asked)) && !rules.some((rule) => rule.effect === 'forbid' && applies(rule, asked));

function questions() {
  const all = [];
  for (let wanted = 0; all.length < requestsMost; ) {
    const asked = { user: below(usersMost), action: `a${below(actionsMost)}`, doc: below(1_000), amount: below(1_000) };
    const allowed = isAllowed(asked);
    if (allowed !== wanted < allowedPart * 10) continue;
    all.push({ ...asked, allowed });
    wanted = (wanted + 1) % 10;
  }
  return all;
}
const asked = questions();

const authzenBody = ({ user, action, doc, amount }) => JSON.stringify({ subject: { type: 'user', id: `u${user}` }, action: { name: action }, resource: { type: 'doc', id: `d${doc}` }, context: { amount } });

const flyballFiles = () => ({
  'bundle/catalogue.yaml': `entities:\n  team: {}\n  user: { attributes: { level: { type: integer, required: true } }, parents: [team] }\n  doc: {}\nactions:\n${Array.from({ length: actionsMost }, (_, n) => `  - { name: a${n}, tier: inspect, match: { method: evaluation, name: a${n} }, applies_to: { subjects: [user], resources: [doc] }, context: { type: object, properties: { amount: { type: integer } }, required: [amount] } }\n`).join('')}`,
  'bundle/entities.json': JSON.stringify({ entities: Array.from({ length: usersMost }, (_, user) => ({ type: 'user', id: `u${user}`, attributes: { level: levelOf(user) }, parents: groupsOf(user).map((id) => ({ type: 'team', id })) })) }),
  'bundle/identities.yaml': 'identities:\n  - { id: bench, kind: workload, autonomy: scripted, owner: bench, purpose: measuring }\n',
  'bundle/people.yaml': 'people: []\n',
  'bundle/policies/bench.cedar': rules.map(({ id, effect, group, action, most, level }) => `@id("${id}") ${effect} (principal in team::"${group}", action == Action::"${action}", resource is doc) when { context.request.amount < ${most} && principal.level >= ${level} };\n`).join(''),
});

const requestHead = (path, port, more = '') => `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\n${more}`;

async function untilUp(port, path, method = 'GET') {
  for (const until = nowMs() + 30_000; ; await sleep(50)) {
    if (await fetch(`http://127.0.0.1:${port}${path}`, { method }).then(() => true, () => false)) return;
    if (nowMs() > until) throw new Error('it did not start');
  }
}

async function flyball(name, env = {}) {
  const installation = new Installation(temporary(name), { files: flyballFiles() });
  const running = await installation.up(env);
  const port = Number(new URL(running.base).port);
  const token = await installation.token();
  return { port, pid: installation.child.pid, head: requestHead('/access/v1/evaluation', port, `authorization: Bearer ${token}\r\n`), body: authzenBody, allowed: '"decision":true', stop: () => installation.down() };
}

async function echo() {
  const port = await freePort();
  const child = start(process.execPath, [fileURLToPath(new URL('./authzen-echo.mjs', import.meta.url)), String(port)]);
  await untilUp(port, '/', 'POST');
  return { port, pid: child.pid, head: requestHead('/access/v1/evaluation', port), body: authzenBody, allowed: '"decision":true', echo: true, stop: () => end(child) };
}

async function cerbos() {
  const at = join(root, '.cache/bench-cerbos');
  if (!existsSync(join(at, 'node_modules/cerbos'))) {
    console.log(`> installing cerbos ${cerbosVersion}`);
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, 'package.json'), '{"private":true}');
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', `cerbos@${cerbosVersion}`], { cwd: at, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const program = join(dirname(createRequire(join(at, 'package.json')).resolve(`@cerbos/cerbos-${process.platform}-${process.arch}/package.json`)), `cerbos-${process.platform}-${process.arch}`);
  const folder = temporary('cerbos');
  mkdirSync(join(folder, 'policies'));
  const cerbosRules = rules.map(({ effect, group, action, most, level }) => ({ actions: [action], effect: effect === 'permit' ? 'EFFECT_ALLOW' : 'EFFECT_DENY', roles: [group], condition: { match: { expr: `request.resource.attr.amount < ${most} && request.principal.attr.level >= ${level}` } } }));
  writeFileSync(join(folder, 'policies/doc.json'), JSON.stringify({ apiVersion: 'api.cerbos.dev/v1', resourcePolicy: { resource: 'doc', version: 'default', rules: cerbosRules } }));
  const [port, grpc] = [await freePort(), await freePort()];
  const config = { server: { httpListenAddr: `127.0.0.1:${port}`, grpcListenAddr: `127.0.0.1:${grpc}`, adminAPI: { enabled: false } }, storage: { driver: 'disk', disk: { directory: join(folder, 'policies'), watchForChanges: false } }, telemetry: { disabled: true }, audit: { enabled: true, accessLogsEnabled: false, decisionLogsEnabled: true, backend: 'file', file: { path: join(folder, 'audit.log') } } };
  writeFileSync(join(folder, 'cerbos.json'), JSON.stringify(config));
  const child = start(program, ['server', `--config=${join(folder, 'cerbos.json')}`, '--log-level=error'], { env: { CERBOS_NO_TELEMETRY: '1' } });
  await untilUp(port, '/_cerbos/health');
  const body = ({ user, action, doc, amount }) => JSON.stringify({ requestId: 'bench', principal: { id: `u${user}`, roles: groupsOf(user), attr: { level: levelOf(user) } }, resources: [{ actions: [action], resource: { kind: 'doc', id: `d${doc}`, attr: { amount } } }] });
  return { port, pid: child.pid, head: requestHead('/api/check/resources', port), body, allowed: 'EFFECT_ALLOW', audit: () => readFileSync(join(folder, 'audit.log'), 'utf8').split('\n').length - 1, stop: () => end(child) };
}

const rego = `package bench
import rego.v1
holds(p) if { input.groups[_] == p.group; input.amount < p.most; input.level >= p.level }
default allow := false
allow if { some p in data.rules.permit[input.action]; holds(p); not denied }
denied if { some p in data.rules.forbid[input.action]; holds(p) }
`;

async function opa() {
  const program = options.opa ?? (await output(process.execPath, [join(root, 'tools/opa.mjs')])).trim().split('\n').at(-1);
  const folder = temporary('opa');
  writeFileSync(join(folder, 'bench.rego'), rego);
  const byAction = (effect) => Object.fromEntries(Array.from({ length: actionsMost }, (_, n) => [`a${n}`, rules.filter((rule) => rule.effect === effect && rule.action === `a${n}`)]));
  writeFileSync(join(folder, 'data.json'), JSON.stringify({ rules: { permit: byAction('permit'), forbid: byAction('forbid') } }));
  const port = await freePort();
  const child = start(program, ['run', '--server', '--addr', `127.0.0.1:${port}`, '--skip-version-check', '--log-level', 'error', '--set', 'decision_logs.console=true', join(folder, 'bench.rego'), join(folder, 'data.json')], { stdio: ['ignore', 'ignore', 'ignore'] });
  await untilUp(port, '/health');
  const body = ({ user, action, amount }) => JSON.stringify({ input: { groups: groupsOf(user), action, amount, level: levelOf(user) } });
  return { port, pid: child.pid, head: requestHead('/v1/data/bench/allow', port), body, allowed: '"result":true', stop: () => end(child) };
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK']).toString());

/** CPU time of a process and all its threads, in seconds. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** All processes below one, such as PostgreSQL's. */
function cpuBelow(pid) {
  const children = execFileSync('ps', ['-eo', 'pid=,ppid=']).toString().trim().split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  const below = (parent) => children.filter(([, of]) => of === parent).flatMap(([child]) => [child, ...below(child)]);
  return [pid, ...below(pid)].reduce((sum, each) => sum + (existsSync(`/proc/${each}/stat`) ? cpuSeconds(each) : 0), 0);
}

/** One client; `mark` says what there was since it was last asked. */
function client({ port, head, body, allowed, echo: isEcho }) {
  const worker = new Worker(new URL('./authzen-load.mjs', import.meta.url), { workerData: { host: '127.0.0.1', port, connections, head, bodies: asked.map(body), expected: asked.map((each) => isEcho || each.allowed), allowed } });
  let failed;
  const broken = new Promise((_, fail) => (failed = fail));
  broken.catch(() => undefined);
  worker.once('error', failed);
  const mark = (what) => Promise.race([broken, new Promise((done) => worker.once('message', done).postMessage(what))]);
  return { mark, stop: () => mark('stop') };
}

async function oneRound(target, ms) {
  const load = client(target);
  await sleep(300);
  // Everybody has been asked about once, so that what is measured is what a server does all day.
  for (const until = nowMs() + warmMostMs; ms === 0 && nowMs() < until && (await load.mark('mark')).answers < warmAnswers; ) await sleep(100);
  const settling = ms === 0 ? 1_000 : ms;
  const [first, cpu, database, began] = [await load.mark('mark'), cpuSeconds(target.pid), target.database?.() ?? 0, nowMs()];
  await sleep(settling);
  const [last, cpuAfter, databaseAfter, ended] = [await load.mark('mark'), cpuSeconds(target.pid), target.database?.() ?? 0, nowMs()];
  await load.stop();
  if (last.wrong > 0) throw new Error(`${target.name}: ${last.wrong} of ${last.answers} answers are not what they should be; the first: ${last.first}`);
  const answers = last.answers - first.answers;
  if (answers === 0) throw new Error(`${target.name} answered nothing; ${last.first ?? ''}`);
  return { perCpuSecond: answers / (cpuAfter - cpu), perSecond: answers / ((ended - began) / 1_000), p50: last.p50, p95: last.p95, databaseUs: ((databaseAfter - database) / answers) * 1e6 };
}

async function postgres() {
  const server = await startPostgres(createRequire(join(root, 'packages/server/package.json'))('pg'));
  if (!server) throw new Error('no PostgreSQL on this machine');
  const target = await flyball('postgres', { FLYBALL_DATABASE_URL: server.url });
  return { ...target, database: () => cpuBelow(server.pid), stop: async () => (await target.stop(), await server.stop()) };
}

await main(async () => {
  const makers = { echo, embedded: () => flyball('embedded'), postgres, cerbos, opa };
  const targets = [];
  const missing = [];
  for (const [name, make] of Object.entries(makers)) {
    if (!parts.has(name)) continue;
    try {
      targets.push({ name, ...(await make()) });
    } catch (error) {
      if (name === 'embedded' || name === 'echo') throw error;
      missing.push(`${name}: ${error.message.trim()}`);
    }
  }
  const measured = new Map(targets.map(({ name }) => [name, []]));
  // The first round warms up and is not counted; the order rotates, so that none always comes after the same one.
  for (let turn = 0; turn <= rounds; turn++) {
    for (let k = 0; k < targets.length; k++) {
      const target = targets[(k + turn) % targets.length];
      const result = await oneRound(target, turn === 0 ? 0 : roundMs);
      if (turn > 0) measured.get(target.name).push(result);
    }
  }
  const rows = targets.map(({ name }) => {
    const of = (key) => median(measured.get(name).map((result) => result[key]));
    return { name, perCpuSecond: round(of('perCpuSecond'), 0), cpuUs: round(1e6 / of('perCpuSecond'), 1), perSecond: round(of('perSecond'), 0), p50: round(of('p50')), p95: round(of('p95')), databaseUs: of('databaseUs') > 0 ? round(of('databaseUs'), 1) : null };
  });
  await Promise.all(targets.map((target) => target.stop()));
  const rate = (name) => rows.find((row) => row.name === name)?.perCpuSecond;
  for (const row of rows) row.ofEcho = round(row.perCpuSecond / rate('echo'));
  printTable(`evaluations, ${policies} policies, ${connections} connections, ${allowedPart * 100} % allowed`, [['server', (r) => r.name], ['per CPU second', (r) => r.perCpuSecond], ['CPU µs each', (r) => r.cpuUs], ['× echo', (r) => r.ofEcho], ['per second', (r) => r.perSecond], ['p50 ms', (r) => r.p50], ['p95 ms', (r) => r.p95], ['PostgreSQL\'s own µs', (r) => r.databaseUs]], rows);
  missing.forEach((why) => console.log(`left out: ${why}`));
  const stores = ['embedded', 'postgres'].filter((name) => rate(name) !== undefined);
  const goals = stores.flatMap((name) => [
    ...(rate('echo') ? [goal(`${name}: evaluations per CPU second × echo`, { least: 0.4 }, rate(name) / rate('echo'))] : []),
    ...(rate('cerbos') ? [goal(`${name}: evaluations per CPU second × Cerbos`, { least: 5 }, rate(name) / rate('cerbos'))] : []),
    ...(rate('opa') ? [goal(`${name}: evaluations per CPU second × OPA`, { least: 1 }, rate(name) / rate('opa'))] : []),
  ]);
  finish('authzen', { settings: { rounds, roundMs, connections, policies, allowed: allowedPart }, rows, missing }, goals);
});
