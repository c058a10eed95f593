// What a governed tool call costs: see `usage`. Measured with shared/tools/gateway-bench, whose scripts are run, not copied.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWith, coldMcp, coldUp, Installation, mcpCommand, runTool } from './installation.mjs';
import { end, finish, freePort, goal, main, median, nowMs, optionsOf, output, printTable, root, round, sleep, start, temporary } from './support.mjs';

const usage = `usage: npm run bench -- gateway [--quick | --full] [--only http,stdio,cold,policies,actions,memory] [--rounds N] [--calls N] [--entries N] [--actions N]
  --quick    few rounds, 5,000 entries, 1,000 actions
  --full     1,000,000 entries, 100,000 actions
  --only     some of the parts
The shared tools are looked for in FLYBALL_GATEWAY_BENCH, else beside the repository.`;
const options = optionsOf(usage, { quick: { type: 'boolean' }, full: { type: 'boolean' }, only: { type: 'string' }, rounds: { type: 'string' }, calls: { type: 'string' }, entries: { type: 'string' }, actions: { type: 'string' } });
const pick = (quick, usual, full = usual) => (options.quick ? quick : options.full ? full : usual);
const rounds = Number(options.rounds ?? pick(3, 7));
const calls = Number(options.calls ?? pick(150, 300));
const entriesMost = Number(options.entries ?? pick(5_000, 50_000, 1_000_000));
const actionsMost = Number(options.actions ?? pick(1_000, 10_000, 100_000));
const parts = new Set((options.only ?? 'http,stdio,cold,policies,actions,memory').split(','));

const tools = resolve(process.env.FLYBALL_GATEWAY_BENCH ?? join(root, '../shared/tools/gateway-bench'));
const tool = (name) => join(tools, name);
const figures = {};
const goals = [];
const work = temporary('gateway');

/** One run of bench.mjs; every target by its name and concurrency, with ratios to the first target. */
async function measure(targets, { conc = [1, 16], warm = pick(100, 1_000), perRound = calls, count = rounds } = {}) {
  const [config, json] = [join(work, 'targets.json'), join(work, 'measured.json')];
  writeFileSync(config, JSON.stringify({ targets, conc: conc.join(','), rounds: count, calls: perRound, warm, tool: 'echo', args: { message: 'hi' }, expect: 'Echo: hi' }), { mode: 0o600 });
  await runTool(tool('bench.mjs'), ['--config', config, '--json', json]);
  const { results } = JSON.parse(readFileSync(json, 'utf8'));
  for (const row of results) if (row.errors > 0) throw new Error(`${row.target} at ${row.conc}: ${row.errors} errors, first: ${row.firstErr}`);
  const missing = targets.filter(({ name }) => !results.some((row) => row.target === name));
  if (missing.length > 0) throw new Error(`not measured: ${missing.map(({ name }) => name).join(', ')}`);
  return results.map((row) => {
    const first = results.find((other) => other.conc === row.conc && other.target === targets[0].name);
    return { target: row.target, conc: row.conc, p50: round(row.p50, 3), p95: round(row.p95, 3), cps: round(row.cps, 0), ratioP50: round(row.ratioP50), ratioCps: round(row.cps / first.cps), cpuMs: round(row.cpuMsPerCall, 3), rssMb: round(row.rssMb, 0) };
  });
}

const find = (rows, target, conc) => rows.find((row) => row.target === target && row.conc === conc);
const callColumns = (first) => [['target', (r) => r.target], ['conc', (r) => r.conc], ['p50 ms', (r) => r.p50], ['p95 ms', (r) => r.p95], ['calls/s', (r) => r.cps], [`× ${first} p50`, (r) => r.ratioP50], [`× ${first} calls/s`, (r) => r.ratioCps], ['CPU ms/call', (r) => r.cpuMs], ['RSS MB', (r) => r.rssMb]];

let upstreamUrl;
async function upstream() {
  if (upstreamUrl !== undefined) return upstreamUrl;
  const port = await freePort();
  start(process.execPath, [tool('upstream.mjs'), '--http', String(port)]);
  upstreamUrl = `http://127.0.0.1:${port}/mcp`;
  for (const until = nowMs() + 10_000; ; await sleep(20)) {
    const up = await fetch(upstreamUrl).then(() => true, () => false);
    if (up) return upstreamUrl;
    if (nowMs() > until) throw new Error('the upstream did not start');
  }
}

async function startFloor() {
  const port = await freePort();
  const child = start(process.execPath, [tool('floor-gateway.mjs'), '--port', String(port), '--up', await upstream(), '--audit', join(work, 'floor.jsonl'), '--durability', 'group']);
  const target = { name: 'floor', kind: 'http', target: `http://127.0.0.1:${port}/mcp`, pids: [child.pid] };
  for (const until = nowMs() + 10_000; nowMs() < until && !(await fetch(target.target, { method: 'POST', body: '[' }).then(() => true, () => false)); ) await sleep(20);
  return { target, child };
}

let template;
/** A store that was just made and closed; every other installation begins with a copy. */
async function emptyStore() {
  if (template) return template;
  template = new Installation(temporary('template'), { upstream: await upstream() });
  const began = nowMs();
  await template.up();
  figures.firstStartMs = round(nowMs() - began, 0);
  await template.down();
  return template;
}

async function installation(name, settings = {}) {
  const from = await emptyStore();
  return new Installation(temporary(name), { upstream: await upstream(), ...settings }).copyStore(from);
}

async function http() {
  const floor = await startFloor();
  const flyball = await (await installation('http')).up();
  const direct = { name: 'direct', kind: 'http', target: await upstream() };
  const rows = await measure([floor.target, direct, await flyball.target('flyball', '/mcp/echo'), await flyball.target('flyball hub', '/mcp')]);
  figures.http = rows;
  printTable(`HTTP, ${rounds} interleaved rounds of ${calls} calls; flyball is /mcp/echo, flyball hub is /mcp`, callColumns('floor'), rows);
  for (const [target, where] of [['flyball', ''], ['flyball hub', ' (hub)']]) {
    for (const conc of [1, 16]) goals.push(goal(`p50 at ${conc}, × floor${where}`, { most: 1.5 }, find(rows, target, conc).ratioP50));
    goals.push(goal(`calls/s at 16, × floor${where}`, { least: 0.6 }, find(rows, target, 16).ratioCps));
    for (const conc of [1, 16]) goals.push(goal(`CPU ms a call at ${conc}${where}`, { most: 1 }, find(rows, target, conc).cpuMs));
  }
  await flyball.down();
  await end(floor.child);
}

async function stdio() {
  const governed = await installation('stdio', { upstream: undefined });
  const command = [process.execPath, tool('upstream.mjs'), '--stdio'];
  const rows = await measure([{ name: 'direct', kind: 'stdio', target: command }, { name: 'flyball mcp', kind: 'stdio', target: mcpCommand(governed, tool('upstream.mjs')) }]);
  for (const conc of [1, 16]) find(rows, 'flyball mcp', conc).gatewayCpuMs = round(find(rows, 'flyball mcp', conc).cpuMs - find(rows, 'direct', conc).cpuMs, 3);
  figures.stdio = rows;
  printTable('stdio; CPU with the server that is called, gateway CPU without it', [...callColumns('direct'), ['gateway CPU ms', (r) => r.gatewayCpuMs]], rows);
}

async function cold() {
  const repeats = pick(3, 7);
  const server = await installation('cold');
  const wrapper = await installation('cold-mcp', { upstream: undefined });
  const samples = { 'flyball up': [], 'flyball up, to ready': [], 'flyball up, after kill -9': [], 'flyball mcp': [] };
  for (let n = 0; n < repeats; n++) {
    const { ready, answered } = await coldUp(server);
    samples['flyball up'].push(answered);
    samples['flyball up, to ready'].push(ready);
    await server.down('SIGKILL');
    samples['flyball up, after kill -9'].push((await coldUp(server)).answered);
    await server.down();
    samples['flyball mcp'].push((await coldMcp(wrapper, tool('upstream.mjs'))).answered);
  }
  figures.cold = Object.entries(samples).map(([what, ms]) => ({ what, ms: round(median(ms), 0), least: round(Math.min(...ms), 0), most: round(Math.max(...ms), 0) }));
  printTable(`from spawn to the first governed answer on an existing store, ${repeats} times`, [['what', (r) => r.what], ['median ms', (r) => r.ms], ['least', (r) => r.least], ['most', (r) => r.most]], figures.cold);
  for (const what of ['flyball up', 'flyball mcp']) goals.push(goal(`cold start of ${what}, ms`, { most: 1_000 }, median(samples[what])));
}

async function policies() {
  const kinds = [['10 distinct', bundleWith(10)], ['1000 distinct', bundleWith(1_000)], ['10 shared', bundleWith(10, 'shared')], ['1000 shared', bundleWith(1_000, 'shared')]];
  const targets = [];
  const running = [];
  for (const [name, files] of kinds) {
    const governor = await (await installation('policies', { files })).up();
    running.push(governor);
    targets.push(await governor.target(name, '/mcp/echo'));
  }
  const rows = await measure(targets);
  await Promise.all(running.map((governor) => governor.down()));
  figures.policies = rows;
  printTable('policies: distinct are about other actions, shared are all asked on every call', callColumns('10 distinct'), rows);
  for (const conc of [1, 16]) {
    goals.push(goal(`p50 at ${conc}, 1,000 policies × 10, other actions`, { most: 1.2 }, find(rows, '1000 distinct', conc).ratioP50));
    goals.push(goal(`p50 at ${conc}, 1,000 policies × 10, same action`, { most: 1.2 }, find(rows, '1000 shared', conc).p50 / find(rows, '10 shared', conc).p50));
  }
}

async function actions() {
  const empty = await installation('actions-0');
  const filled = await installation('actions-n');
  const seconds = Number(await output(process.execPath, [fileURLToPath(new URL('./fill.mjs', import.meta.url)), filled.data, String(entriesMost)]));
  await Promise.all([empty.up(), filled.up()]);
  const name = `${entriesMost} entries`;
  const rows = await measure([await empty.target('0 entries', '/mcp/echo'), await filled.target(name, '/mcp/echo')]);
  await Promise.all([empty.down(), filled.down()]);
  const { answered } = await coldUp(filled);
  await filled.down();
  figures.actions = { entries: entriesMost, fillSeconds: seconds, coldMs: round(answered, 0), rows };
  printTable(`recorded entries before (filled in ${seconds} s); cold start with them ${round(answered, 0)} ms`, callColumns('0 entries'), rows);
  for (const conc of [1, 16]) goals.push(goal(`p50 at ${conc}, ${entriesMost} entries × 0`, { most: 1.2 }, find(rows, name, conc).ratioP50));
}

async function memory() {
  const governor = await (await installation('memory')).up();
  await sleep(2_000);
  const idle = governor.memoryMb();
  const target = await governor.target('flyball', '/mcp/echo');
  const perRound = Math.max(100, Math.floor(actionsMost / 10));
  const began = nowMs();
  const [row] = await measure([target], { conc: [16], warm: 32, perRound, count: Math.ceil(actionsMost / perRound) });
  const seconds = (nowMs() - began) / 1_000;
  const loaded = governor.memoryMb();
  await sleep(5_000);
  const after = governor.memoryMb();
  const stopMs = await timed(() => governor.down());
  const again = await coldUp(governor);
  await governor.down();
  const rows = [['idle, just started', idle.rss], [`after ${actionsMost} actions`, loaded.rss], ['five seconds later', after.rss], ['most', after.peak]].map(([when, mb]) => ({ when, mb: round(mb, 0) }));
  figures.memory = { actions: actionsMost, seconds: round(seconds, 1), cps: row.cps, stopMs: round(stopMs, 0), coldMs: round(again.answered, 0), rows };
  printTable(`memory of flyball up (${row.cps} calls/s at 16 while at it; stopping took ${round(stopMs, 0)} ms; cold start with a session of ${actionsMost} actions ${round(again.answered, 0)} ms)`, [['when', (r) => r.when], ['RSS MB', (r) => r.mb]], rows);
}

async function timed(task) {
  const began = nowMs();
  await task();
  return nowMs() - began;
}

await main(async () => {
  if (!existsSync(tool('bench.mjs'))) throw new Error(`expected gateway-bench in ${tools}; FLYBALL_GATEWAY_BENCH names another place`);
  const all = { http, stdio, cold, policies, actions, memory };
  for (const part of parts) {
    if (!Object.hasOwn(all, part)) throw new Error(`no part \`${part}\`; there are ${Object.keys(all).join(', ')}`);
    await all[part]();
  }
  finish('gateway', { settings: { rounds, calls, entries: entriesMost, actions: actionsMost }, ...figures }, goals);
});
