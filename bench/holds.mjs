// What waits for people, at a hundred thousand questions: see `usage`.
import { createHash, randomUUID } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openedBody, openingPayload, timeId } from './entries.mjs';
import { onStores, server, tenant } from './stores.mjs';
import { finish, goal, main, nowMs, optionsOf, percentile, printTable, round } from './support.mjs';

const usage = `usage: npm run bench -- holds [--quick] [--open N] [--pages N] [--answers N] [--conc N] [--stores pglite,postgres]
Open holds as the record has them, ten groups of approvers and twenty thousand kinds of question: the board is loaded, pages
of an inbox are read from every place in it, and people answer until it is durable. Beside it, in the same run and with the
same driver, a plain table of pending approvals with an index: a page of it, and an update of one row.`;
const options = optionsOf(usage, { quick: { type: 'boolean' }, full: { type: 'boolean' }, open: { type: 'string' }, pages: { type: 'string' }, answers: { type: 'string' }, conc: { type: 'string' }, stores: { type: 'string' } });
const open = Number(options.open ?? (options.quick ? 5_000 : 100_000));
const pages = Number(options.pages ?? (options.quick ? 200 : 2_000));
const answers = Number(options.answers ?? (options.quick ? 100 : 1_000));
const atOnce = Number(options.conc ?? 16);
const stores = (options.stores ?? 'pglite,postgres').split(',');
const perSession = 100;
const groups = 10;
const rowsPerPage = 50;

const [{ Ledger, Names, Projections }, { foldSession }, { StoreClock }, approval, { assembleApproval }, { LocalWaitingDesk }] = await Promise.all([server('ledger/index.js'), server('session/index.js'), server('lib/clock.js'), server('approval/index.js'), server('wiring/approval.js'), server('api/waiting-desk.js')]);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const sha256 = (text) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const groupOf = (session) => `group-${session % groups}`;
const personOf = (group) => `person-${group.slice('group-'.length)}`;
const bundle = { digest: 'b', people: new Map(Array.from({ length: groups }, (_, n) => [`person-${n}`, { groups: [`group-${n}`], also: [], peerReview: false, administrator: false, auditor: false }])), rules: new Map(), emergencies: new Map() };
const folds = { session: foldSession, standing: approval.foldStanding, delegation: approval.foldDelegations, emergency: approval.foldEmergency };

/** The entry of a question, as an attempt at a payment leaves it. */
function holdDraft(session, identity, n, deadline) {
  const action = `money.move-${n % 20}`;
  const args = { to: randomUUID(), amount: n };
  const rule = { policy: 'payments', approvers: groupOf(session.number), quorum: 1, evidence: [], withinMs: 14_400_000, reason: 'payments are agreed to by people' };
  const body = { identity, chain: [], method: 'tools/call', session: session.id, action, tier: 'act', upstream: 'bank', name: 'transfer', tool: sha256('tool'), digest: sha256(randomUUID()), question: sha256(randomUUID()), decision: { outcome: 'step_up', kind: 'needs_approval', policies: [{ policy: 'payments', effect: 'forbid', result: 'satisfied' }, { policy: 'open', effect: 'permit', result: 'satisfied' }], approvals: [rule], facts: [], bundle: sha256('bundle') }, gateway: 'mcp-http' };
  return { kind: 'hold', id: timeId(deadline - 14_400_000), streams: [{ stream: `session:${session.id}` }], deadline, body, payload: { salt: randomUUID(), content: JSON.stringify({ target: 'transfer', args, resources: [{ type: 'tool', id: 'transfer' }], address: '127.0.0.1' }) } };
}

/** Real entries, written by the ledger; sessions side by side, the holds of one after the other. */
async function seed(ledger, clock) {
  const began = nowMs();
  let next = 0;
  const worker = async () => {
    for (let number = next++; number < open / perSession; number = next++) {
      const session = { id: timeId(clock.now()), number };
      await ledger.append({ kind: 'session.opened', streams: [{ stream: `session:${session.id}`, expected: 0 }], deadline: clock.now() + 28_800_000, body: openedBody(session.id), payload: openingPayload() });
      await Promise.all(Array.from({ length: perSession }, (_, n) => ledger.append(holdDraft(session, `agent-${number}`, n, clock.now() + 14_400_000))));
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return nowMs() - began;
}

async function timed(count, lanes, step) {
  const took = [];
  let next = 0;
  const began = nowMs();
  const worker = async () => {
    for (let n = next++; n < count; n = next++) {
      const from = nowMs();
      await step(n);
      took.push(nowMs() - from);
    }
  };
  await Promise.all(Array.from({ length: lanes }, worker));
  return { p50: percentile(took, 50), p99: percentile(took, 99), perSecond: count / ((nowMs() - began) / 1_000) };
}

async function load(entries, clock) {
  collect();
  const before = process.memoryUsage().heapUsed;
  const began = nowMs();
  const board = new approval.Board(entries, () => clock.now());
  await board.load();
  const ms = nowMs() - began;
  collect();
  return { board, ms, bytes: process.memoryUsage().heapUsed - before };
}

async function flyball(name, store) {
  const clock = new StoreClock();
  clock.set(await store.now());
  const seeding = await seed(new Ledger(tenant, store.entries, new Projections(store.entries, folds), clock), clock);
  const loaded = await load(store.entries, clock);
  const { board } = loaded;
  if (board.count !== Math.floor(open / perSession) * perSession) throw new Error(`expected ${open} open holds, got ${board.count}`);
  // A node that began just now: nothing of the sessions is in its memory.
  const ledger = new Ledger(tenant, store.entries, new Projections(store.entries, folds), clock, undefined, (entry) => board.apply(entry));
  const names = new Names(store.names);
  await names.refresh(bundle.people.keys());
  const room = assembleApproval({ ledger, names, bundle: { current: bundle }, clock, board, identity: (id) => ({ id, owner: 'ops' }), evidence: { verify: () => Promise.resolve({ ok: true }) }, signatures: {} });
  const desk = new LocalWaitingDesk({ approval: room, emergencies: () => [], nameOf: (ref) => names.nameOf(ref), now: () => clock.now() });
  const places = await everyPage(desk);
  const page = await timed(pages, 1, async (n) => {
    const { person, after } = places[(n * 7919) % places.length];
    if ((await desk.inbox(person, after)).rows.length === 0) throw new Error('an empty page');
  });
  const holds = [...board.list()];
  const answer = (n) => {
    const hold = holds[(n * 104_729) % holds.length];
    return room.holds.answer({ hold: hold.id, person: personOf(hold.approvals[0].approvers), agrees: n % 2 === 0, reason: 'measured' });
  };
  const alone = await timed(answers, 1, answer);
  const together = await timed(answers, atOnce, (n) => answer(answers + n));
  return { store: name, what: 'flyball', seedMs: seeding, loadMs: loaded.ms, bytesPerHold: loaded.bytes / board.count, page, alone, together };
}

/** Where the pages of every inbox begin. */
async function everyPage(desk) {
  const places = [];
  for (const person of bundle.people.keys()) {
    for (let after; ; ) {
      places.push({ person, after });
      const { next } = await desk.inbox(person, after);
      if (next === undefined) break;
      after = next;
    }
  }
  return places;
}

/** What one would write at first: one row for each question, which somebody updates. */
async function plainTable(name, store, { flush, last }) {
  const { pool } = store;
  await pool.query('create table pending_approval (id uuid primary key, approvers text not null, identity text not null, action text not null, args text not null, status text not null, deadline bigint not null, answered_by text)');
  await pool.query('create index pending_of_group on pending_approval (approvers, id) where status = \'pending\'');
  const ids = [];
  for (let from = 0; from < open; from += 1_000) {
    const rows = Array.from({ length: Math.min(1_000, open - from) }, (_, k) => ({ id: timeId(Date.now()), n: from + k }));
    ids.push(...rows);
    await pool.query('insert into pending_approval select * , \'pending\', $6::bigint, null from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])', [rows.map(({ id }) => id), rows.map(({ n }) => groupOf(n)), rows.map(({ n }) => `agent-${n}`), rows.map(() => 'money.move'), rows.map(({ n }) => JSON.stringify({ to: randomUUID(), amount: n })), Date.now() + 14_400_000]);
  }
  await pool.query('analyze pending_approval');
  const page = await timed(pages, 1, (n) => pool.query({ name: 'bench-page', text: 'select * from pending_approval where approvers = $1 and status = \'pending\' and id > $2 order by id limit $3', values: [groupOf(n), ids[(n * 7919) % (ids.length - groups * rowsPerPage)].id, rowsPerPage] }));
  const answer = async (n) => {
    const { rows } = await pool.query({ name: 'bench-answer', text: `update pending_approval set status = 'approved', answered_by = $2 where id = $1 and status = 'pending' returning ${last} as segment`, values: [ids[(n * 104_729) % ids.length].id, 'person'] });
    await flush(rows[0].segment);
  };
  return { store: name, what: 'plain table', page, alone: await timed(answers, 1, answer), together: await timed(answers, atOnce, (n) => answer(answers + n)) };
}

await main(async () => {
  const { measured, skipped } = await onStores(stores, async (name, store, raw) => [await flyball(name, store), await plainTable(name, store, raw)]);
  const results = measured.flat();
  const of = (pick) => [(r) => round(pick(r).p50), (r) => round(pick(r).p99)];
  const [[page50, page99], [one50, one99], [many50, many99]] = [of((r) => r.page), of((r) => r.alone), of((r) => r.together)];
  printTable(`${open} open holds`, [['store', (r) => r.store], ['what', (r) => r.what], ['page p50 ms', page50], ['page p99 ms', page99], ['answer p50 ms', one50], ['answer p99 ms', one99], [`${atOnce} at once: p50 ms`, many50], ['p99 ms', many99], ['answers/s', (r) => round(r.together.perSecond, 0)]], results);
  const own = results.filter((row) => row.what === 'flyball');
  printTable('the board', [['store', (r) => r.store], ['seeded in s', (r) => round(r.seedMs / 1_000, 1)], ['loaded in ms', (r) => round(r.loadMs, 0)], ['bytes a hold', (r) => round(r.bytesPerHold, 0)]], own);
  finish('holds', { settings: { open, pages, answers, atOnce }, results, skipped }, own.flatMap((row) => [goal(`a page of the inbox, p99 ms on ${row.store}`, { most: 50 }, row.page.p99), goal(`an answer until it is durable, p99 ms on ${row.store}`, { most: 10 }, row.alone.p99)]));
});
