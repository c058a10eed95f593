import { FlyballError } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import { MemoryStore, MemoryTables } from '../../../../../test/support/memory-store.js';
import { situated } from '../../../../../test/support/policy-kit.js';
import type { Issued } from '../../action/states.js';
import { type Draft, type Fold, Ledger, Projections, Settler } from '../../ledger/index.js';
import { foldSession } from '../../session/index.js';
import { activeAt, foldGrants, type GrantsState } from './grant.js';
import { openGrant } from './open-grant.js';
import { outcomeOfRequest } from './outcome-of-request.js';

const start = 1_750_000_000_000;
const declared = () => new Map([['db-read', { description: '', owner: 'ann', longestMs: 3_600_000 }]]);
const folds = { session: foldSession as Fold<unknown>, grant: foldGrants as Fold<unknown> };

function node(tables: MemoryTables, clock: { at: number; offsetMs: number; now: () => number }) {
  const store = new MemoryStore(tables);
  const ledger = new Ledger('default', store, new Projections(store, folds), clock);
  const record = { read: <S>(stream: string) => ledger.readNow<S>(stream), append: (draft: Draft) => ledger.append(draft) };
  const settler = new Settler(ledger, clock, (intent) => outcomeOfRequest(intent, record));
  return { ledger, record, settler, open: (issued: Issued) => openGrant(issued, { record, declared, clock }) };
}

async function house() {
  const clock = { at: start, offsetMs: 0, now: () => clock.at };
  const tables = new MemoryTables();
  const [one, two] = [node(tables, clock), node(tables, clock)];
  await one.ledger.append({ kind: 'session.opened', streams: [{ stream: 'session:s' }], deadline: start + 9e9, body: { session: 's', identity: 'robot', capabilities: ['*'], implicit: true, inherited: [] }, payload: { salt: 'salt', content: '{"purpose":"p"}' } });
  const ask = async (): Promise<Issued> => {
    const intent = await one.ledger.append({ kind: 'intent', streams: [{ stream: 'session:s' }], deadline: clock.at + 100, body: { session: 's', method: 'access/request', action: 'access.request', digest: 'd', labels: [], spends: {} } });
    const attempt = situated({ session: { id: 's' }, call: { upstream: 'flyball', method: 'access/request', name: 'db-read', args: { minutes: 60, why: 'x' } } });
    return { ...attempt, effectiveArgs: attempt.call.args, intent: { id: intent?.id ?? '', stream: 'session:s', deadlineMs: clock.at + 100 } } as unknown as Issued;
  };
  const of = (kind: string) => tables.stream('session:s').filter((entry) => entry.kind === kind);
  return { clock, tables, one, two, ask, of };
}

describe('opening a grant', () => {
  test('law: an intent opens one grant, however often and wherever it is carried out', async () => {
    const { one, two, ask, of } = await house();
    const issued = await ask();
    const tried = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? one : two).open(issued)));
    expect(tried.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(of('grant.opened')).toHaveLength(1);
    expect(tried.flatMap((each) => (each.status === 'rejected' && each.reason instanceof FlyballError ? [each.reason.code] : [])).every((code) => code === 'performed_failed')).toBe(true);
  });

  test('law: a grant and the outcome that nobody wrote race 200 times, on one node and on two: the outcome says what is there', { timeout: 60_000 }, async () => {
    const { clock, one, two, ask, of, tables } = await house();
    let opened = 0;
    for (let index = 0; index < 200; index++) {
      const issued = await ask();
      clock.at += 200;
      const wait = async (turns: number) => {
        for (let turn = 0; turn < turns; turn++) await new Promise((done) => setImmediate(done));
      };
      await Promise.allSettled([wait((index * 7) % 17).then(() => one.open(issued)), wait(index % 3).then(() => (index % 2 === 0 ? one : two).settler.run())]);
      await two.settler.run();
      const granted = of('grant.opened').some(({ body }) => (body as { intent: string }).intent === issued.intent.id);
      const outcome = tables.stream('session:s').find(({ settles }) => settles === issued.intent.id);
      expect([index, (outcome?.body as { effect: string } | undefined)?.effect]).toEqual([index, granted ? 'succeeded' : 'failed']);
      opened += granted ? 1 : 0;
      if (index % 50 === 49) {
        const { state } = await one.ledger.readNow<GrantsState>('grant:robot');
        for (const { id } of Object.values(state ?? {})) await one.ledger.append({ kind: 'grant.ended', streams: [{ stream: 'grant:robot' }], settles: id, body: { session: 's', status: 'returned' } });
      }
    }
    expect(opened).toBeGreaterThan(10);
    expect(opened).toBeLessThan(190);
  });

  test('law: at its deadline a grant is ended once, not in the session that asked for it, and it counts until a millisecond before', async () => {
    const { clock, one, ask, of, tables } = await house();
    const { value } = await one.open(await ask());
    const until = Date.parse(String(value['until']));
    const { state } = await one.ledger.readNow<GrantsState>('grant:robot');
    expect([until - 1, until, until + 1].map((at) => activeAt(state, at).length)).toEqual([1, 0, 0]);
    clock.at = until;
    await one.settler.run();
    await one.settler.run();
    const ends = tables.stream('grant:robot').filter(({ kind }) => kind === 'grant.ended');
    expect([ends.length, ends[0]?.body, of('grant.ended').length]).toEqual([1, { session: 's', status: 'expired' }, 0]);
  });
});
