// Entries to durable, and on to a signed checkpoint; proofs and verification: see `usage`.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { intentBody, openedBody, openingPayload, payloadOf } from './entries.mjs';
import { Installation } from './installation.mjs';
import { measureGrowth } from './proofs.mjs';
import { forAWhile, perSession, rawRows, rawWriter } from './raw-rows.mjs';
import { onStores, server, tenant } from './stores.mjs';
import { finish, goal, main, median, nowMs, optionsOf, percentile, printTable, root, round, sleep, temporary } from './support.mjs';

const usage = `usage: npm run bench -- ledger [--quick] [--full] [--rounds N] [--ms N] [--conc 1,64,1024] [--stores pglite,postgres]
Entries as a governor writes them, while its sequencer gives them their places in the log: how many a second are durable,
how long each then waits for a checkpoint that covers it, in rounds that alternate with the same rows by plain SQL. Then
receipts from that store, verification of the exported log, and proofs in trees of 10,000 to 1,000,000 leaves (--full: 10,000,000).`;
const options = optionsOf(usage, { quick: { type: 'boolean' }, full: { type: 'boolean' }, rounds: { type: 'string' }, ms: { type: 'string' }, conc: { type: 'string' }, stores: { type: 'string' } });
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const roundMs = Number(options.ms ?? (options.quick ? 500 : 2_000));
const concurrencies = (options.conc ?? '1,64,1024').split(',').map(Number);
const stores = (options.stores ?? 'pglite,postgres').split(',');
const lookMs = 20;
const coverMs = 60_000;
const receiptsWanted = 500;

const [{ loadConfig }, { openLog }, { exportLog, foldKeys, Ledger, Projections }, { foldSession }, { StoreClock }, { FolderFiles }] = await Promise.all(
  ['config.js', 'wiring/log.js', 'ledger/index.js', 'session/index.js', 'lib/clock.js', 'store/folder-files.js'].map(server),
);
const { folder: folderSource, verifyLog } = await import(pathToFileURL(join(root, 'packages/verify/dist/index.js')).href);

/** Writers with a session each; `durable` counts what was acknowledged, by when it was. */
function writers({ ledger, clock }, durable) {
  const sessions = [];
  let opened = 0;
  return async (index, turn) => {
    if (turn % perSession === 0) {
      const id = `bench-${index}-${opened++}-${clock.now()}`;
      await ledger.append({ kind: 'session.opened', streams: [{ stream: `session:${id}`, expected: 0 }], deadline: clock.now() + 600_000, body: openedBody(id), payload: openingPayload() });
      durable.push(nowMs());
      sessions[index] = { id, version: 1 };
      return true;
    }
    const { id, version } = sessions[index];
    const payload = payloadOf('hi');
    await ledger.append({ kind: 'intent', streams: [{ stream: `session:${id}`, expected: version }], deadline: clock.now() + 600_000, body: intentBody(id), payload });
    durable.push(nowMs());
    sessions[index].version++;
    return true;
  };
}

/** How long entries waited for a checkpoint: the n-th acknowledged one is covered when the log has grown by n. */
function lagsOf(durable, sizes, from) {
  return durable.flatMap((at, index) => {
    const covered = sizes.find(({ size }) => size >= from + index + 1);
    return covered ? [Math.max(0, covered.at - at)] : [];
  });
}

async function watched(governor, work) {
  const sizes = [];
  let done = false;
  const watching = (async () => {
    while (!done) {
      sizes.push({ at: nowMs(), size: Number(governor.transparency.size) });
      await sleep(lookMs);
    }
  })();
  const result = await work();
  return { result, sizes, stop: async () => {
    done = true;
    await watching;
  } };
}

async function oneRound(governor, count) {
  const durable = [];
  const from = Number(governor.transparency.size);
  const { result, sizes, stop } = await watched(governor, () => forAWhile(count, roundMs, writers(governor, durable)));
  for (const until = nowMs() + coverMs; Number(governor.transparency.size) < from + durable.length && nowMs() < until; ) await sleep(lookMs);
  await sleep(2 * lookMs);
  await stop();
  const lags = lagsOf(durable, sizes, from);
  const began = durable[0];
  const covered = sizes.find(({ size }) => size >= from + durable.length)?.at ?? NaN;
  return { ...result, toCheckpoint: durable.length / ((covered - began) / 1_000), lagP50: percentile(lags, 50), lagMax: Math.max(...lags) };
}

/** The record and its log, with the sequencer at work, and nothing that decides. */
async function openRecord(store, installation) {
  const clock = new StoreClock();
  clock.set(await store.now());
  const ledger = new Ledger(tenant, store.entries, new Projections(store.entries, { session: foldSession, log: foldKeys }), clock, undefined, () => transparency.wake());
  const transparency = await openLog(loadConfig(installation.config, {}), store, ledger, (_level, message) => console.error(message));
  await transparency.open();
  const stop = new AbortController();
  const running = transparency.run(stop.signal);
  const close = async () => {
    stop.abort();
    await running;
  };
  return { ledger, clock, transparency, pool: store.pool, close };
}

async function measureStore(name, store, raw) {
  const governor = await openRecord(store, new Installation(temporary('ledger')));
  const { pool } = governor;
  const results = [];
  const measured = new Map();
  const warm = [];
  const write = writers(governor, warm);
  await write(0, 0);
  await write(0, 1);
  const { rows: [row] } = await governor.pool.query(`select e.body as text, e.leaf, p.salt, p.content from entry e join payload p on p.tenant = e.tenant and p.entry = e.id where e.kind = 'intent' limit 1`);
  const rows = rawRows({ text: row.text, leaf: row.leaf, payload: row, run: Date.now() });
  for (const count of concurrencies) {
    for (let turn = 0; turn <= rounds; turn++) {
      const ours = await oneRound(governor, count);
      const theirs = await forAWhile(count, roundMs, rawWriter(pool, rows, 256, { ...raw, lanes: 1 }));
      if (turn > 0) measured.set(count, [...(measured.get(count) ?? []), { ours, theirs }]);
    }
    const of = (pick) => round(median(measured.get(count).map(pick)));
    results.push({ store: name, conc: count, perSecond: of(({ ours }) => ours.perSecond), toCheckpoint: of(({ ours }) => ours.toCheckpoint), raw: of(({ theirs }) => theirs.perSecond), ratio: of(({ ours, theirs }) => ours.perSecond / theirs.perSecond), p50: of(({ ours }) => ours.p50), lagP50: of(({ ours }) => ours.lagP50), lagMax: of(({ ours }) => ours.lagMax) });
  }
  const receipts = await measureReceipts(governor);
  const log = await exported(governor);
  await governor.close();
  return { results, receipts: { store: name, ...receipts }, log };
}

/** Receipts of entries all over the log, as `flyball receipt` makes them. */
async function measureReceipts(governor) {
  const { rows } = await governor.pool.query('select entry from log_leaf order by md5(entry::text) limit $1', [receiptsWanted]);
  const took = [];
  for (const { entry } of rows) {
    const from = nowMs();
    if ((await governor.transparency.receipt(entry, false)) === undefined) throw new Error('no receipt');
    took.push(nowMs() - from);
  }
  return { entries: Number(governor.transparency.size), p50: percentile(took, 50), p95: percentile(took, 95) };
}

async function exported(governor) {
  const folder = temporary('log');
  await exportLog(async (path) => (path === 'checkpoint' ? new TextEncoder().encode(await governor.transparency.checkpoint()) : governor.transparency.file(path)), new FolderFiles(folder), () => undefined);
  return { folder, keys: governor.transparency.activeKeys };
}

/** A process that does nothing else verifies the whole log from its files. */
async function measureVerify({ folder, keys }) {
  const from = nowMs();
  const verdict = await verifyLog({ source: folderSource(folder), trust: { keys } });
  const seconds = (nowMs() - from) / 1_000;
  if (!verdict.integrity.holds) throw new Error(`the log does not verify: ${JSON.stringify(verdict.integrity.findings)}`);
  rmSync(folder, { recursive: true });
  return { entries: Number(verdict.size), seconds: round(seconds), perSecond: round(Number(verdict.size) / seconds, 0) };
}

await main(async () => {
  const { measured: present } = await onStores(stores, measureStore);
  const results = present.flatMap((one) => one.results);
  printTable(`entries, ${rounds} rounds of ${roundMs} ms each`, [['store', (r) => r.store], ['concurrent', (r) => r.conc], ['durable/s', (r) => r.perSecond], ['in a checkpoint/s', (r) => r.toCheckpoint], ['raw inserts/s', (r) => r.raw], ['durable ÷ raw', (r) => r.ratio], ['durable p50 ms', (r) => r.p50], ['then to checkpoint p50 ms', (r) => r.lagP50], ['at most ms', (r) => r.lagMax]], results);
  const receipts = present.map((one) => one.receipts);
  printTable('receipts from the store', [['store', (r) => r.store], ['entries', (r) => r.entries], ['p50 ms', (r) => round(r.p50)], ['p95 ms', (r) => round(r.p95)]], receipts);
  const verified = [];
  for (const { log } of present) verified.push(await measureVerify(log));
  printTable('verification of the exported log, both verdicts', [['entries', (r) => r.entries], ['seconds', (r) => r.seconds], ['entries/s', (r) => r.perSecond]], verified);
  const growth = await measureGrowth([10_000, 100_000, 1_000_000, ...(options.full ? [10_000_000] : [])].slice(0, options.quick ? 2 : undefined));
  printTable('inclusion proofs in growing trees', [['leaves', (r) => r.leaves], ['proof p50 µs', (r) => r.proofUs], ['verify p50 µs', (r) => r.verifyUs], ['hashes', (r) => r.hashes], ['tiles read', (r) => r.tiles]], growth);
  const batched = results.filter(({ store, conc }) => store !== 'PGlite' && conc === Math.max(...concurrencies));
  finish('ledger', { settings: { rounds, roundMs }, results, receipts, verified, growth }, [
    ...batched.map((row) => goal(`entries/s at ${row.conc} on ${row.store}`, { least: 10_000 }, row.perSecond)),
    ...results.map((row) => goal(`ms from durable to a checkpoint at ${row.conc} on ${row.store}`, { most: 2_000 }, row.lagMax)),
    ...receipts.map((row) => goal(`ms for a receipt on ${row.store}`, { most: 1 }, row.p50)),
    ...verified.map((row) => goal('entries verified a second', { least: 50_000 }, row.perSecond)),
    goal('growth of proof time over growth of the logarithm', { most: 2 }, growth.at(-1).proofUs / growth[0].proofUs / (Math.log2(growth.at(-1).leaves) / Math.log2(growth[0].leaves))),
  ]);
});
