import type { Entry } from '@flyball/protocol';
import { describe, expect, test } from 'vitest';
import { limits } from '../../lib/limits.js';
import { type Became, whatBecameOf } from './grant-status.js';
import type { TaskItem } from './task-state.js';

const at = 1_000_000;
const graceMs = limits.accessRequestMs + limits.taskGraceMs;
const item: TaskItem = { opened: 'opened', openedAtMs: at, item: 0, hold: 'a', evaluation: 'e', asks: { grant: 'reports', subject: 'robot', session: 's', digest: 'd' }, deadlineMs: at + 1 };

let versions = 0;
const entry = (id: string, kind: Entry['kind'], body: object = {}, more: Partial<Entry> = {}): Entry => ({ v: 1, tenant: 't', id, kind, at, streams: [{ stream: 'session:s', version: ++versions }], body: { session: 's', ...body }, ...more });

/** What became of the attempt `a`, by a record of these entries alone. */
function became(entries: readonly Entry[], { nowMs = at, holds = {} }: { readonly nowMs?: number; readonly holds?: object } = {}): Promise<Became> {
  return whatBecameOf(
    item,
    {
      find: (id) => Promise.resolve(entries.find((each) => each.id === id)),
      findSettling: (id) => Promise.resolve(entries.find(({ settles }) => settles === id)),
      after: (stream, version, most) => Promise.resolve(entries.filter(({ streams }) => streams.some((place) => place.stream === stream && place.version > version)).slice(0, most)),
      read: <S>() => Promise.resolve({ version: entries.length, state: { holds } as S }),
    },
    nowMs,
  );
}

const hold = (id: string, more?: Partial<Entry>) => entry(id, 'hold', {}, more);
const settled = (id: string, settles: string, body: object) => entry(id, 'hold.settled', body, { settles });
const intent = (id: string, more?: Partial<Entry>) => entry(id, 'intent', {}, more);
const opened = (of: string) => entry('grant', 'grant.opened', { intent: of }, { deadline: at + 9 });
const open: Became = { status: 'approved', grant: 'grant', untilMs: at + 9 };

describe('what became of a request for a grant', () => {
  test.each<[string, readonly Entry[], Became]>([
    ['a question that waits', [hold('a')], { status: 'pending', hold: 'a' }],
    ['a question that was used, and nothing yet', [hold('a'), intent('i', { settles: 'a' })], { status: 'pending' }],
    ['a grant, though nobody wrote the outcome', [hold('a'), intent('i', { settles: 'a' }), opened('i')], open],
    ['a grant at once, among what others did in the session', [intent('a'), ...Array.from({ length: 450 }, (_, index) => entry(`x${index}`, 'refusal')), opened('a')], open],
    ['another intent\'s grant', [intent('a'), opened('b')], { status: 'pending' }],
    ['an outcome without a grant', [intent('a'), entry('o', 'outcome', { effect: 'failed' }, { settles: 'a' })], { status: 'failed' }],
    ['what policy says', [entry('a', 'refusal', { error: { code: 'denied' } })], { status: 'denied' }],
    ['what the house could not do', [entry('a', 'refusal', { error: { code: 'overloaded' } })], { status: 'failed' }],
    ['what a person says', [hold('a'), settled('s', 'a', { status: 'refused' })], { status: 'denied' }],
    ['the end of its time', [hold('a'), settled('s', 'a', { status: 'expired' })], { status: 'expired' }],
    ['who took it back', [hold('a'), settled('s', 'a', { status: 'cancelled' })], { status: 'cancelled' }],
    ['policy that overtook it', [hold('a'), settled('s', 'a', { status: 'superseded' })], { status: 'denied' }],
    ['the question that replaced it', [hold('a'), hold('b', { settles: 'a' })], { status: 'pending', hold: 'b' }],
    ['what replaced it, to its end', [hold('a'), hold('b', { settles: 'a' }), settled('s', 'b', { status: 'superseded', by: 'c' }), intent('c'), opened('c')], open],
    ['questions that replace each other for ever', [hold('a', { settles: 'b' }), hold('b', { settles: 'a' })], { status: 'pending' }],
  ])('law: %s', async (_name, entries, expected) => {
    expect(await became(entries)).toEqual(expected);
  });

  test('law: an attempt that never began has failed, when it cannot begin any more', async () => {
    expect(await became([], { nowMs: at + graceMs - 1 })).toEqual({ status: 'pending' });
    expect(await became([], { nowMs: at + graceMs })).toEqual({ status: 'failed' });
    const moved = [hold('a'), settled('s', 'a', { status: 'superseded', by: 'c' })];
    expect([await became(moved), await became(moved, { nowMs: at + graceMs })]).toEqual([{ status: 'pending' }, { status: 'failed' }]);
  });

  test('law: where the same waited already, it is what that comes to', async () => {
    expect(await became([hold('b')], { holds: { d: { id: 'b' } } })).toEqual({ status: 'pending', hold: 'b' });
    expect(await became([hold('b'), intent('i', { settles: 'b' }), opened('i')], { holds: { d: { id: 'b' } }, nowMs: at + graceMs })).toEqual(open);
    expect(await became([], { holds: { d: { id: 'b' } }, nowMs: at + graceMs })).toEqual({ status: 'failed' });
  });
});
