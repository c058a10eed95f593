// Decisions of a record made again, beside reading the same rows and doing nothing, and beside cedar-wasm: see `usage`.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startPostgres } from './postgres.mjs';
import { bundleFiles, fillRecord } from './replay-record.mjs';
import { finish, goal, main, nowMs, optionsOf, printTable, root, round, temporary } from './support.mjs';

const usage = `usage: npm run bench -- replay [--quick | --full] [--decisions N] [--policies N]
Fills a PostgreSQL (the embedded one where there is none) with decisions of 50 identities in sessions of 100, some of them
by clauses on the past; then reads it, makes every decision again, and replays it against a candidate with one rule more.`;
const options = optionsOf(usage, { quick: { type: 'boolean' }, full: { type: 'boolean' }, decisions: { type: 'string' }, policies: { type: 'string' } });
const decisions = Number(options.decisions ?? (options.quick ? 20_000 : options.full ? 1_000_000 : 100_000));
const policies = Number(options.policies ?? 1_000);
const wasmMost = options.quick ? 200 : 1_000;
const million = 1_000_000;

const server = (path) => import(pathToFileURL(join(root, 'packages/server/dist', path)).href);
const require = createRequire(join(root, 'packages/server/package.json'));
const [{ openEmbedded, openPostgres }, { compileBundle, replayCandidate, verifyRecord }, { recordSource, replayRules }, { CedarWasmEngine }, { engineRequest }] = await Promise.all([server('store/open.js'), server('policy/index.js'), server('cli/replay-source.js'), server('policy/cedar-wasm-engine.js'), server('policy/context.js')]);

const stateful = '@id("later") forbid (principal, action == Action::"act8", resource) when temporal { count_within(1h, Action::"act8"::request{}) > 4 };\n@id("spent") forbid (principal, action == Action::"act9", resource) when { context.session.spent.eur.greaterThan(decimal("10000.0")) };\n';

async function openStore() {
  const postgres = await startPostgres(require('pg'));
  if (!postgres) return { name: 'embedded PostgreSQL', store: await openEmbedded(temporary('replay'), 'default'), stop: () => undefined };
  return { name: postgres.version, store: await openPostgres(postgres.url, 'default'), stop: () => postgres.stop() };
}

/** Runs it and tells how long, by the clock and by this process's own CPU. */
async function timed(name, work) {
  const cpu = process.cpuUsage();
  const began = nowMs();
  const result = await work();
  const seconds = (nowMs() - began) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { name, began, seconds, cpuSeconds: (user + system) / 1e6, perSecond: decisions / seconds, result };
}

/** A few of the same decisions by Cedar's own WebAssembly build. */
async function byWasm(bundle, source) {
  const engine = new CedarWasmEngine(bundle.policies, bundle.actionGroups);
  const inputs = [];
  for await (const page of source.pages()) {
    for (const { payload, entry } of page) if (payload && (entry.kind === 'intent' || entry.kind === 'refusal') && inputs.length < wasmMost) inputs.push(JSON.parse(payload.content).inputs);
    if (inputs.length >= wasmMost) break;
  }
  const began = nowMs();
  for (const one of inputs) engine.evaluate(engineRequest(one, one.resources[0], bundle.actionGroups.get(one.action) ?? []));
  const seconds = (nowMs() - began) / 1_000;
  engine.close();
  return { name: `cedar-wasm, ${inputs.length} of them`, seconds, perSecond: inputs.length / seconds };
}

await main(async () => {
  const { name, store, stop } = await openStore();
  const filled = await timed('fill', () => fillRecord(store.pool, { decisions, policies, progress: (made) => process.stderr.write(`${made} decisions made\r`) }));
  if (name !== 'embedded PostgreSQL') await store.pool.query('vacuum analyze');
  console.log(`${decisions} decisions, ${filled.result} entries at ${policies} policies on ${name}, made in ${round(filled.seconds, 0)} s`);
  const source = recordSource(store.entries, store.log);
  // Bundles are compiled before the first page, once, however many decisions there are.
  let loadedMs;
  const asked = { source, rules: replayRules, most: 5, progress: ({ doing }) => (loadedMs ??= doing === undefined ? nowMs() : undefined) };
  const read = await timed('reading the rows', async () => {
    let rows = 0;
    for await (const page of source.pages()) rows += page.length;
    return rows;
  });
  const again = async (name, work) => {
    loadedMs = undefined;
    const run = await timed(name, work);
    const loadSeconds = (loadedMs - run.began) / 1_000;
    return { ...run, loadSeconds, millionSeconds: loadSeconds + ((run.seconds - loadSeconds) * million) / decisions };
  };
  const verified = await again('replay --verify', () => verifyRecord(asked));
  if (verified.result.same !== decisions) throw new Error(`only ${verified.result.same} of ${decisions} are the same: ${JSON.stringify(verified.result.different.first[0] ?? verified.result.left)}`);
  const candidate = compileBundle(bundleFiles(policies, stateful));
  const tried = await again('replay --policy', () => replayCandidate(candidate, asked));
  const wasm = await byWasm(candidate, source);
  const memoryMb = Math.round(process.resourceUsage().maxRSS / 1_024);
  const rows = [read, verified, tried, wasm];
  printTable(`${decisions} decisions again`, [['what', (r) => r.name], ['s', (r) => round(r.seconds, 1)], ['of it loading bundles', (r) => round(r.loadSeconds, 1)], ['CPU s here', (r) => round(r.cpuSeconds, 1)], ['decisions/s', (r) => round(r.perSecond, 0)], ['µs a decision', (r) => round(1e6 / r.perSecond, 1)]], rows);
  const { stricter, looser, other } = tried.result;
  console.log(`\n${stricter} stricter, ${looser} looser, ${other} other; ${memoryMb} MB at most`);
  const goals = [
    goal('s for a million decisions verified', { most: 60 }, verified.millionSeconds),
    goal('s for a million decisions against a candidate', { most: 60 }, tried.millionSeconds),
    goal('the same for a million, wanted', { most: 30 }, Math.max(verified.millionSeconds, tried.millionSeconds)),
  ];
  const figures = rows.map(({ name: what, seconds, loadSeconds, cpuSeconds, perSecond }) => ({ what, loadSeconds: round(loadSeconds), seconds: round(seconds), cpuSeconds: round(cpuSeconds), perSecond: round(perSecond, 0) }));
  await store.close();
  await stop();
  finish('replay', { settings: { decisions, policies, store: name }, entries: filled.result, figures, flips: { stricter, looser, other }, memoryMb }, goals);
});
