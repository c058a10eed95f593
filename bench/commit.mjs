// Durable decisions per second, beside the same rows inserted raw: see `usage`.
import { intentBody, openedBody, openingPayload, payloadOf } from './entries.mjs';
import { forAWhile, perSession, rawRows, rawWriter } from './raw-rows.mjs';
import { onStores, server, tenant } from './stores.mjs';
import { finish, goal, main, median, optionsOf, printTable, round } from './support.mjs';

const usage = `usage: npm run bench -- commit [--quick] [--rounds N] [--ms N] [--conc 1,64,256] [--stores pglite,postgres] [--alone]
Intents, each durable when it counts, on a session stream for every one of the concurrent writers; in rounds that
alternate with the same rows by plain SQL of the same driver: batched in the same way, and one insert for each commit. --alone leaves those out, for a profile.`;
const options = optionsOf(usage, { quick: { type: 'boolean' }, full: { type: 'boolean' }, rounds: { type: 'string' }, ms: { type: 'string' }, conc: { type: 'string' }, stores: { type: 'string' }, alone: { type: 'boolean' } });
const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
const roundMs = Number(options.ms ?? (options.quick ? 500 : 1_500));
const concurrencies = (options.conc ?? '1,64,256').split(',').map(Number);
const stores = (options.stores ?? 'pglite,postgres').split(',');
const batchMost = 256;

const [{ Ledger, Projections }, { foldSession }, { StoreClock }] = await Promise.all([server('ledger/index.js'), server('session/index.js'), server('lib/clock.js')]);
const { leafHash } = await import('@flyball/tlog');

function decisions(ledger, clock) {
  const sessions = [];
  let opened = 0;
  return async (index, turn) => {
    if (turn % perSession === 0) {
      const id = `bench-${index}-${opened++}-${clock.now()}`;
      await ledger.append({ kind: 'session.opened', streams: [{ stream: `session:${id}`, expected: 0 }], body: openedBody(id), payload: openingPayload() });
      sessions[index] = { id, version: 1 };
      return false;
    }
    const { id, version } = sessions[index];
    const payload = payloadOf('hi');
    const entry = await ledger.append({ kind: 'intent', streams: [{ stream: `session:${id}`, expected: version }], deadline: clock.now() + 60_000, body: intentBody(id), payload });
    if (!entry) throw new Error('a stream of its own moved on');
    sessions[index].version++;
    return true;
  };
}

async function measure(name, store, raw) {
  const clock = new StoreClock();
  clock.set(await store.now());
  const ledger = new Ledger(tenant, store.entries, new Projections(store.entries, { session: foldSession }), clock);
  const decide = decisions(ledger, clock);
  await decide(0, 0);
  await decide(0, 1);
  const { rows: [row] } = await store.pool.query(`select e.body as text, p.salt, p.content from entry e join payload p on p.tenant = e.tenant and p.entry = e.id where e.kind = 'intent' limit 1`);
  const sample = { text: row.text, leaf: Buffer.from(leafHash(row.text)), payload: row, run: Date.now() };
  const rows = rawRows(sample);
  const ways = [
    ['flyball', decide],
    ['raw, same batches', rawWriter(store.pool, rows, batchMost, { ...raw, lanes: 1 })],
    ['raw, one a commit', rawWriter(store.pool, rows, 1, raw)],
  ].slice(0, options.alone ? 1 : 3);
  const results = [];
  for (const count of concurrencies) {
    const measured = ways.map(() => []);
    // The first round warms up and is not counted; the order rotates.
    for (let turn = 0; turn <= rounds; turn++) {
      for (let k = 0; k < ways.length; k++) {
        const way = (k + turn) % ways.length;
        const result = await forAWhile(count, roundMs, ways[way][1]);
        if (turn > 0) measured[way].push(result);
      }
    }
    const of = (index, key) => median(measured[index].map((result) => result[key]));
    ways.forEach(([way], index) => results.push({ store: name, conc: count, way, perSecond: round(of(index, 'perSecond'), 0), p50: round(of(index, 'p50')), p95: round(of(index, 'p95')), cpuMs: round(of(index, 'cpuMs'), 3), ratio: round(median(measured[0].map((result, n) => result.perSecond / measured[index][n].perSecond))) }));
  }
  return results;
}

await main(async () => {
  const { measured, skipped } = await onStores(stores, measure);
  const results = measured.flat();
  printTable(`durable intents, ${rounds} rounds of ${roundMs} ms each`, [['store', (r) => r.store], ['concurrent', (r) => r.conc], ['what', (r) => r.way], ['commits/s', (r) => r.perSecond], ['flyball ÷ this', (r) => r.ratio], ['p50 ms', (r) => r.p50], ['p95 ms', (r) => r.p95], ['CPU ms here', (r) => r.cpuMs]], results);
  const at64 = results.filter((row) => row.conc === 64 && row.way === 'flyball');
  finish('commit', { settings: { rounds, roundMs }, results, skipped }, at64.map((row) => goal(`decisions/s at 64 on ${row.store}`, { least: 5_000 }, row.perSecond)));
});
