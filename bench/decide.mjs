// Decisions by @flyball/cedar beside Cedar's own WebAssembly build, casbin and OPA's WebAssembly: see `usage`.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { finish, goal, main, nowMs, optionsOf, percentile, printTable, root, round, temporary } from './support.mjs';

const usage = `usage: npm run bench -- decide [--quick] [--requests N] [--policies 10,100,1000,5000] [--opa PATH]
One stream of different requests, each decided once, at several numbers of policies. casbin is installed into .cache/;
OPA takes part when --opa names its program, which compiles the same rules to WebAssembly.`;
const options = optionsOf(usage, { quick: { type: 'boolean' }, full: { type: 'boolean' }, requests: { type: 'string' }, policies: { type: 'string' }, opa: { type: 'string' } });
const requestsMost = Number(options.requests ?? (options.quick ? 2_000 : 20_000));
const sizes = (options.policies ?? '10,100,1000,5000').split(',').map(Number);
/** A slow engine answers fewer requests of the same stream. */
const engineMs = options.quick ? 1_500 : 8_000;
const warmup = 0.2;

const require = createRequire(join(root, 'packages/server/package.json'));
const { authorize, Entities, EntityUid, explainPolicy, parseTemporal, PolicySet, TemporalMonitor, toEnvironment, toRecord } = await import('@flyball/cedar');
const wasm = require('@cedar-policy/cedar-wasm/nodejs');

function randomNumbers(seed) {
  let state = seed >>> 0;
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Rules as teams write them: who, what, and up to where; one in ten forbids. */
function rulesOf(count, below) {
  const actions = Math.max(4, Math.ceil(count / 10));
  return Array.from({ length: count }, (_, index) => ({ id: `p${index}`, effect: index % 10 === 9 ? 'forbid' : 'permit', group: `g${below(20)}`, action: `a${below(actions)}`, most: below(1_000), level: below(5), label: index % 3 === 0 }));
}

function requestsOf(rules, below) {
  return Array.from({ length: requestsMost }, () => ({ user: `u${below(500)}`, action: rules[below(rules.length)].action, doc: `d${below(1_000)}`, amount: below(1_000), labels: below(2) === 0 ? ['pii'] : ['public', 'internal'] }));
}

const groupsOf = (user) => [`g${Number(user.slice(1)) % 20}`, `g${(Number(user.slice(1)) * 7) % 20}`];
const levelOf = (user) => Number(user.slice(1)) % 5;
const text = ({ effect, group, action, most, level, label }) => `${effect} (principal in Group::"${group}", action == Action::"${action}", resource is Doc) when { context.amount < ${most} && principal.level >= ${level}${label ? ' && !context.labels.contains("pii")' : ''} };`;
const cedarRequest = ({ user, action, doc, amount, labels }) => ({ principal: { type: 'User', id: user }, action: { type: 'Action', id: action }, resource: { type: 'Doc', id: doc }, context: { amount, labels } });
const userEntity = (user) => ({ uid: { type: 'User', id: user }, attrs: { level: levelOf(user) }, parents: groupsOf(user).map((id) => ({ type: 'Group', id })) });

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

const loaded = async (load) => {
  collect();
  const before = process.memoryUsage().heapUsed;
  const began = nowMs();
  const engine = await load();
  collect();
  return { ...engine, loadMs: nowMs() - began, bytes: process.memoryUsage().heapUsed - before };
};

function flyball(rules, parsed, explained = false) {
  const policies = new PolicySet({ staticPolicies: Object.fromEntries(rules.map(({ id }, index) => [id, parsed[index]])) });
  const entities = Entities.fromJson(Array.from({ length: 500 }, (_, user) => userEntity(`u${user}`)));
  return {
    ask: (request) => {
      const environment = toEnvironment(cedarRequest(request), entities);
      const answer = authorize(policies, environment);
      if (explained) for (const id of answer.reasons) explainPolicy(policies.get(id), environment);
      return answer.decision === 'allow';
    },
  };
}

function cedarWasm(rules) {
  const result = wasm.preparsePolicySet('bench', { staticPolicies: Object.fromEntries(rules.map((rule) => [rule.id, text(rule)])) });
  if (result.type !== 'success') throw new Error(result.errors[0].message);
  return { ask: (request) => wasm.statefulIsAuthorized({ ...cedarRequest(request), entities: [userEntity(request.user)], preparsedPolicySetId: 'bench', validateRequest: false }).response.decision === 'allow' };
}

const casbinModel = '[request_definition]\nr = sub, act, amount, level, pii\n[policy_definition]\np = sub, act, most, level, label, eft\n[role_definition]\ng = _, _\n[policy_effect]\ne = some(where (p.eft == allow)) && !some(where (p.eft == deny))\n[matchers]\nm = r.act == p.act && r.amount < p.most && r.level >= p.level && (!p.label || !r.pii) && g(r.sub, p.sub)';

async function casbin(rules) {
  const at = join(root, '.cache/bench');
  if (!existsSync(join(at, 'node_modules/casbin'))) {
    console.log('> installing casbin');
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, 'package.json'), '{"private":true}');
    execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', 'casbin@5.38.0'], { cwd: at, stdio: ['ignore', 'ignore', 'inherit'] });
  }
  const { newEnforcer, newModelFromString } = createRequire(join(at, 'package.json'))('casbin');
  const enforcer = await newEnforcer(newModelFromString(casbinModel));
  enforcer.enableAutoSave(false);
  await enforcer.addPolicies(rules.map(({ effect, group, action, most, level, label }) => [group, action, most, level, label, effect === 'permit' ? 'allow' : 'deny']));
  await enforcer.addGroupingPolicies(Array.from({ length: 500 }, (_, user) => [...new Set(groupsOf(`u${user}`))].map((group) => [`u${user}`, group])).flat());
  return { ask: ({ user, action, amount, labels }) => enforcer.enforce(user, action, amount, levelOf(user), labels.includes('pii')) };
}

const rego = `package bench
import rego.v1
holds(p) if { input.groups[_] == p.group; input.amount < p.most; input.level >= p.level; not masked(p) }
masked(p) if { p.label; input.labels[_] == "pii" }
default allow := false
allow if { some p in data.rules.permit[input.action]; holds(p); not denied }
denied if { some p in data.rules.forbid[input.action]; holds(p) }
`;

async function opaWasm(rules) {
  const folder = temporary('opa');
  writeFileSync(join(folder, 'bench.rego'), rego);
  execFileSync(options.opa, ['build', '-t', 'wasm', '-e', 'bench/allow', '-o', join(folder, 'bundle.tar.gz'), join(folder, 'bench.rego')]);
  execFileSync('tar', ['xzf', join(folder, 'bundle.tar.gz'), '-C', folder, '/policy.wasm']);
  const { loadPolicySync } = require('@open-policy-agent/opa-wasm');
  const policy = loadPolicySync(readFileSync(join(folder, 'policy.wasm')));
  const byAction = (effect) => Object.groupBy?.(rules.filter((rule) => rule.effect === effect), ({ action }) => action) ?? rules.filter((rule) => rule.effect === effect).reduce((all, rule) => ({ ...all, [rule.action]: [...(all[rule.action] ?? []), rule] }), {});
  policy.setData({ rules: { permit: byAction('permit'), forbid: byAction('forbid') } });
  return { ask: ({ user, action, amount, labels }) => policy.evaluate({ groups: groupsOf(user), action, amount, labels, level: levelOf(user) })[0].result };
}

/** Every request once; what an engine says is compared, so that all answer the same question. */
async function measure(engine, requests, expected) {
  const took = [];
  const until = nowMs() + engineMs;
  let differing = 0;
  const answers = [];
  for (const [index, request] of requests.entries()) {
    const began = nowMs();
    const said = engine.ask(request);
    const answer = typeof said === 'boolean' ? said : await said;
    took.push(nowMs() - began);
    answers.push(answer);
    if (expected && expected[index] !== answer) differing++;
    if (nowMs() > until) break;
  }
  const warm = took.slice(Math.floor(took.length * warmup));
  return { p50: percentile(warm, 50) * 1_000, p95: percentile(warm, 95) * 1_000, mean: (warm.reduce((sum, each) => sum + each, 0) / warm.length) * 1_000, asked: took.length, differing, answers };
}

async function atSize(count) {
  const below = randomNumbers(count);
  const rules = rulesOf(count, below);
  const requests = requestsOf(rules, below);
  const parsed = rules.map((rule) => wasm.policyToJson(text(rule)).json);
  const engines = [['flyball', () => flyball(rules, parsed)], ['flyball, explained', () => flyball(rules, parsed, true)], ['cedar-wasm', () => cedarWasm(rules)], ['casbin', () => casbin(rules)], ...(options.opa ? [['opa-wasm', () => opaWasm(rules)]] : [])];
  const rows = [];
  let expected;
  for (const [name, load] of engines) {
    const engine = await loaded(load);
    const { answers, ...figures } = await measure(engine, requests, expected);
    expected ??= answers;
    rows.push({ policies: count, engine: name, ...figures, loadMs: engine.loadMs, bytesPerPolicy: engine.bytes / count });
    if (figures.differing > 0) throw new Error(`${name} answered ${figures.differing} of ${figures.asked} requests otherwise`);
  }
  const own = rows[0].p50;
  return rows.map((row) => ({ ...row, times: row.p50 / own }));
}

const act = (name) => `Action::"${name}"`;
const temporalRules = [
  `count_within(1h, ${act('pay')}::request{ input.payee: context.args.payee }) > 3`,
  `count_within(24h, ${act('pay')}::request{}) > 10`,
  `sum_within(a, 24h, ${act('pay')}::request{ input.amount: a, input.payee: context.args.payee }) > 1000`,
  `sum_within(a, 24h, ${act('pay')}::response{ input.amount: a }) > 1000`,
  `formerly within 1h ${act('read')}::response{ input.payee: context.args.payee }`,
  `!${act('revoke')}::response{ input.payee: context.args.payee } since within 24h ${act('grant')}::response{ input.payee: context.args.payee }`,
  `previous within 1m ${act('read')}::response{}`,
  `formerly within 10m ${act('pay')}::error{ input.payee: context.args.payee }`,
  `bind(n, count_within(5m, ${act('read')}::request{ resource: resource }), n > 5 && n < 100)`,
  `count_distinct_within(p, 10m, ${act('read')}::request{ input.payee: p }) > 100`,
];
const pastEvents = options.quick ? 10_000 : 100_000;

/** Heap that one entity takes, with three attributes and two parents. */
function bytesOfEntity() {
  const count = 20_000;
  const described = Array.from({ length: count }, (_, index) => ({ uid: { type: 'User', id: `e${index}` }, attrs: { level: index % 5, name: `name ${index}`, labels: ['a', 'b'] }, parents: groupsOf(`u${index}`).map((id) => ({ type: 'Group', id })) }));
  collect();
  const before = process.memoryUsage().heapUsed;
  const entities = Entities.fromJson(described);
  collect();
  return (process.memoryUsage().heapUsed - before) / entities.size;
}

/** Ten temporal rules asked of one identity's long day: an event every 0.8 seconds, 500 payees. */
function temporal() {
  const below = randomNumbers(7);
  const monitor = new TemporalMonitor(temporalRules.map((text, index) => ({ name: `t${index}`, condition: parseTemporal(text) })));
  const history = monitor.newHistory();
  const kinds = ['pay', 'pay', 'pay', 'read', 'read', 'read', 'grant', 'revoke'].flatMap((name) => [[name, 'request'], [name, 'response']]);
  const event = (atMs, name, kind) => ({ atMs, action: new EntityUid('Action', name), event: kind, record: toRecord({ input: { payee: `p${below(500)}`, amount: below(100) }, resource: { __entity: { type: 'Resource', id: `r${below(50)}` } } }) });
  const began = nowMs();
  for (let i = 0; i < pastEvents; i++) history.add(event(i * 800, ...kinds[below(kinds.length)]));
  const addUs = ((nowMs() - began) * 1_000) / pastEvents;
  const took = [];
  for (let i = 0; i < 2_000; i++) {
    const atMs = pastEvents * 800 + i * 800;
    const request = event(atMs, 'pay', 'request');
    const present = toEnvironment({ principal: { type: 'User', id: 'u1' }, action: { type: 'Action', id: 'pay' }, resource: { type: 'Resource', id: `r${below(50)}` }, context: { args: { payee: `p${below(500)}` } } }, new Entities());
    history.forgetBefore(atMs - monitor.horizonMs);
    const from = nowMs();
    monitor.ask(history, request, present);
    took.push(nowMs() - from);
    history.add(request);
  }
  const warm = took.slice(took.length * warmup);
  return { rules: temporalRules.length, events: pastEvents, addUs, p50: percentile(warm, 50) * 1_000, p95: percentile(warm, 95) * 1_000 };
}

await main(async () => {
  const rows = [];
  for (const count of sizes) rows.push(...(await atSize(count)));
  printTable('one decision', [['policies', (r) => r.policies], ['engine', (r) => r.engine], ['p50 µs', (r) => round(r.p50)], ['p95 µs', (r) => round(r.p95)], ['mean µs', (r) => round(r.mean)], ['× flyball', (r) => round(r.times, 1)], ['asked', (r) => r.asked], ['load ms', (r) => round(r.loadMs, 0)], ['bytes a policy', (r) => (r.engine === 'flyball' ? round(r.bytesPerPolicy, 0) : null)]], rows);
  const past = temporal();
  const entityBytes = bytesOfEntity();
  console.log(`\n${round(entityBytes, 0)} bytes of heap for an entity with three attributes and two groups`);
  printTable(`${past.rules} temporal rules over ${past.events} past events`, [['p50 µs', (r) => round(r.p50)], ['p95 µs', (r) => round(r.p95)], ['µs to add an event', (r) => round(r.addUs)]], [past]);
  const at = (policies, engine) => rows.find((row) => row.policies === policies && row.engine === engine);
  const goals = [
    at(1000, 'flyball') && goal('p50 µs at 1,000 policies', { most: 5 }, at(1000, 'flyball').p50),
    at(100, 'cedar-wasm') && goal('cedar-wasm × flyball at 100', { least: 100 }, at(100, 'cedar-wasm').times),
    at(1000, 'cedar-wasm') && goal('cedar-wasm × flyball at 1,000', { least: 300 }, at(1000, 'cedar-wasm').times),
    at(100, 'opa-wasm') && goal('opa-wasm × flyball at 100', { least: 3 }, at(100, 'opa-wasm').times),
    at(5000, 'flyball') && at(100, 'flyball') && goal('p50 at 5,000 × p50 at 100', { most: 10 }, at(5000, 'flyball').p50 / at(100, 'flyball').p50),
    at(1000, 'flyball, explained') && goal('explained × not explained at 1,000', { most: 2 }, at(1000, 'flyball, explained').mean / at(1000, 'flyball').mean),
    goal(`p50 µs of ${past.rules} temporal rules over ${past.events} events`, { most: 50 }, past.p50),
  ].filter(Boolean);
  finish('decide', { settings: { requests: requestsMost, sizes, opa: options.opa !== undefined }, rows, temporal: past, entityBytes }, goals);
});
