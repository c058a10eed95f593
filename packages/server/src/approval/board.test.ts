import type { ApprovalRule, Entry } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import { timeId } from '../lib/ids.js';
import { Asking } from './asking.js';
import { Board } from './board.js';
import { limits } from '../lib/limits.js';

const now = 1_750_000_000_000;
const rule = (approvers: string): ApprovalRule => ({ policy: 'p', approvers, quorum: 1, evidence: [], withinMs: 1_000, reason: 'r' });
let count = 0;
const hold = ({ identity = 'robot', action = 'pay', approvers = 'finance', atMs = now, deadline = now + 60_000, id = timeId(atMs + count++) } = {}): Entry => ({ v: 1, tenant: 'main', id, kind: 'hold', at: atMs, streams: [], deadline, body: { session: 's', digest: `d-${id}`, question: 'q', identity, chain: [], action, tier: 'act', upstream: 'bank', method: 'tools/call', decision: { outcome: 'step_up', approvals: [rule(approvers)], facts: [] } } });
const settled = (of: string): Entry => ({ v: 1, tenant: 'main', id: timeId(now + count++), kind: 'hold.settled', at: now, streams: [], settles: of, body: { status: 'refused' } });
const vote = (of: string, id = timeId(now + count++)): Entry => ({ v: 1, tenant: 'main', id, kind: 'approval', at: now, streams: [], body: { hold: of } });
const finance = new Set(['finance']);

/** Entries that the store has; `during` is called before each page is handed over. */
function storeOf(entries: readonly Entry[], during: () => void = () => undefined) {
  return {
    pages: 0,
    async unsettled(_kind: 'hold', after: string | undefined, most: number) {
      const page = entries.filter(({ id }) => id > (after ?? '')).slice(0, most);
      this.pages++;
      await Promise.resolve();
      during();
      return page;
    },
  };
}
const boardOf = (entries: readonly Entry[] = [], during?: () => void) => new Board(storeOf(entries, during), () => now);
const idsOf = (board: Board) => [...board.list()].map(({ id }) => id).sort();

describe('loading', () => {
  test('story: what was open before, read once by whoever asks first', async () => {
    const entries = Array.from({ length: 2_500 }, () => hold());
    const store = storeOf(entries);
    const board = new Board(store, () => now);
    await Promise.all([board.load(), board.load(), board.load()]);
    expect([board.count, store.pages]).toEqual([2_500, 3]);
  });

  test('law: what begins and ends while the store is read is neither lost nor brought back', async () => {
    const [old, gone, early] = [hold(), hold(), hold()];
    const late = hold();
    const board: Board = boardOf([old, gone, early], () => {
      board.apply(settled(gone.id));
      board.apply(late);
    });
    board.apply(settled(early.id));
    await board.load();
    expect(idsOf(board)).toEqual([old.id, late.id].sort());
  });

  test('law: begun anew in the middle of being read, it is what the store has', async () => {
    const [ended, open, unnoticed] = [hold(), hold(), hold()];
    let release: (page: readonly Entry[]) => void = () => undefined;
    const slow = new Promise<readonly Entry[]>((resolve) => (release = resolve));
    const pages = [slow, Promise.resolve([open, unnoticed])];
    const board = new Board({ unsettled: () => pages.shift() ?? Promise.resolve([]) }, () => now);
    const first = board.load();
    board.apply(hold());
    await board.reload();
    // What another node has ended since is still on the page that was asked for before.
    release([ended, open]);
    await first;
    expect(idsOf(board)).toEqual([open.id, unnoticed.id].sort());
    expect(board.ofIdentity('robot')).toBe(2);
  });

  test('story: a store that fails is asked again', async () => {
    let fails = true;
    const board = new Board({ unsettled: () => (fails ? Promise.reject(new Error('down')) : Promise.resolve([hold()])) }, () => now);
    await expect(board.load()).rejects.toThrow('down');
    fails = false;
    await board.load();
    expect(board.count).toBe(1);
  });
});

describe('noticing', () => {
  test('law: what is noticed twice counts once', async () => {
    const board = boardOf();
    await board.load();
    const [asked, agreed] = [hold(), vote('')];
    const answer = { ...agreed, body: { hold: asked.id } };
    for (const entry of [asked, asked, answer, answer]) board.apply(entry);
    expect([board.count, board.ofIdentity('robot'), board.open(asked.id)?.votes]).toEqual([1, 1, 1]);
    for (let turn = 0; turn < 2; turn++) board.apply(settled(asked.id));
    expect([board.count, board.ofIdentity('robot'), board.page('all', undefined, 10).rows]).toEqual([0, 0, []]);
  });

  test('story: what is past its time is not shown, whoever has settled it', async () => {
    const board = boardOf([hold({ deadline: now }), hold({ deadline: now + 1 })]);
    await board.load();
    expect(idsOf(board)).toHaveLength(1);
    expect(board.page(finance, undefined, 10).rows).toHaveLength(1);
    expect(board.ofIdentity('robot')).toBe(1);
  });
});

describe('pages', () => {
  test('abuse 39: 10,000 questions of one agent are one row, and everybody else\'s stay in sight', async () => {
    const board = boardOf([...Array.from({ length: 10_000 }, () => hold({ identity: 'flooder' })), ...Array.from({ length: 5 }, (_, n) => hold({ identity: `other-${n}` }))]);
    await board.load();
    const { rows, next } = board.page(finance, undefined, 50);
    expect(rows.map(({ hold: { identity }, like }) => [identity, like])).toEqual([['flooder', 10_000], ...[0, 1, 2, 3, 4].map((n) => [`other-${n}`, 1])]);
    expect([rows[0]?.ids.length, next]).toEqual([limits.batchAnswersMax, undefined]);
  });

  test('law: page by page everything is seen once, in the order in which it came up, also what other nodes told late', async () => {
    const entries = Array.from({ length: 230 }, (_, n) => hold({ action: `a${n}`, atMs: now + n * 10 }));
    const board = boardOf();
    await board.load();
    for (const entry of [...entries.slice(100), ...entries.slice(0, 100).reverse()]) board.apply(entry);
    const seen: string[] = [];
    for (let after: string | undefined; ; ) {
      const { rows, next } = board.page(finance, after, 50);
      seen.push(...rows.map((row) => row.hold.id));
      if (next === undefined) break;
      after = next;
    }
    expect(seen).toEqual(entries.map(({ id }) => id));
  });

  test('story: a kind whose questions are all past their time leaves the others on the page after it', async () => {
    const board = boardOf([hold({ action: 'old', deadline: now }), hold({ action: 'a' }), hold({ action: 'b' })]);
    await board.load();
    const first = board.page(finance, undefined, 2);
    expect(first.rows.map((row) => row.hold.action)).toEqual(['a']);
    expect(board.page(finance, first.next, 2).rows.map((row) => row.hold.action)).toEqual(['b']);
  });

  test('story: who is in another group sees nothing; who gets their turn later sees it', async () => {
    const escalated = hold();
    const { decision, ...rest } = escalated.body as { decision: { approvals: ApprovalRule[] } };
    const board = boardOf([{ ...escalated, body: { ...rest, decision: { ...decision, approvals: [{ ...rule('finance'), escalation: [{ afterMs: 1, group: 'managers' }] }] } } }, hold({ approvers: 'security' })]);
    await board.load();
    const rowsOf = (group: string) => board.page(new Set([group]), undefined, 10).rows.length;
    expect([rowsOf('sales'), rowsOf('finance'), rowsOf('managers'), rowsOf('security'), board.page('all', undefined, 10).rows.length]).toEqual([0, 1, 1, 1, 2]);
  });

  test.each([[0, 1], [-5, 1], [1e9, limits.inboxRowsMax]])('attack: a page of %d rows has %d', async (most, expected) => {
    const board = boardOf(Array.from({ length: 150 }, (_, n) => hold({ action: `a${n}` })));
    await board.load();
    expect(board.page(finance, undefined, most).rows).toHaveLength(expected);
  });
});

describe('waiting', () => {
  test('law: who waits is told at once, and nobody is left behind: told, out of time, or gone', async () => {
    const board = boardOf();
    const [one, two] = [hold(), hold()];
    board.apply(one);
    const told = board.wait(one.id, 10_000);
    const late = board.wait(one.id, 5);
    const stop = new AbortController();
    const gone = [board.wait(one.id, 10_000, stop.signal), board.wait(one.id, 10_000, AbortSignal.abort())];
    board.apply(vote(two.id));
    await late;
    stop.abort();
    await Promise.all(gone);
    expect(board.waiting).toBe(1);
    board.apply(vote(one.id));
    await told;
    expect(board.waiting).toBe(0);
  });
});

describe('abuse 39: asking', () => {
  const asking = (open = 0) => {
    const clock = { ms: 0 };
    return { clock, asking: new Asking(() => open, () => clock.ms) };
  };

  test('abuse 39: an identity asks so many in a minute, each counted once however often it is decided', () => {
    const { clock, asking: gate } = asking();
    for (let n = 0; n < limits.questionsPerMinuteMax; n++) for (let round = 0; round < 3; round++) gate.verify('robot', 0, `attempt-${n}`);
    expect(() => gate.verify('robot', 0, 'one-more')).toThrow(expect.objectContaining({ code: 'overloaded' }) as Error);
    expect(() => gate.verify('robot', 0, 'attempt-1')).not.toThrow();
    expect(() => gate.verify('other', 0, 'attempt')).not.toThrow();
    clock.ms = 60_000;
    expect(() => gate.verify('robot', 0, 'one-more')).not.toThrow();
  });

  test('abuse 39: so many wait of an identity, and of a session', () => {
    expect(() => asking(limits.holdsPerIdentityMax).asking.verify('robot', 0, 'a')).toThrow(/already waits for 1000/);
    expect(() => asking(limits.holdsPerIdentityMax - 1).asking.verify('robot', 0, 'a')).not.toThrow();
    expect(() => asking().asking.verify('robot', limits.holdsPerSessionMax, 'a')).toThrow(/already waits for 100/);
  });
});
