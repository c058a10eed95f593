import type { Entry, EntryKind, Identity, Principal } from '@flyball/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FakeClock, identity, received, refusal } from '../../../../test/support/identity-kit.js';
import type { SessionState } from '../action/states.js';
import { matchesGlob } from '../lib/glob.js';
import { limits } from '../lib/limits.js';
import { foldIdentity, foldSession, type IdentityState, type Opening } from './fold.js';
import { permitsAction, type SessionRecord, Sessions } from './sessions.js';

/** A record in memory: streams with versions, folded as the real projections fold them. */
class MemoryRecord implements SessionRecord {
  readonly streams = new Map<string, Entry[]>();
  #count = 0;
  constructor(private readonly clock: FakeClock) {}

  add(stream: string, kind: EntryKind, body: unknown): void {
    this.streams.set(stream, [...(this.streams.get(stream) ?? []), this.#entry(kind, body)]);
  }

  refOf: SessionRecord['refOf'] = (person) => Promise.resolve(`person:${person}`);

  append: SessionRecord['append'] = ({ kind, streams, body, deadline, settles, payload }) => {
    if (streams.some(({ stream, expected }) => expected !== undefined && (this.streams.get(stream)?.length ?? 0) !== expected)) return Promise.resolve(undefined);
    const entry = { ...this.#entry(kind, body), kept: payload, ...(deadline !== undefined && { deadline }), ...(settles !== undefined && { settles }) };
    for (const { stream } of streams) this.streams.set(stream, [...(this.streams.get(stream) ?? []), entry]);
    return Promise.resolve(entry);
  };

  read: SessionRecord['read'] = <S>(stream: string) => {
    const entries = this.streams.get(stream) ?? [];
    const fold = stream.startsWith('session:') ? foldSession : foldIdentity;
    const state = entries.reduce<SessionState | IdentityState | undefined>((left, entry) => fold(left as never, entry, (entry as { kept?: Opening }).kept), undefined);
    return Promise.resolve({ version: entries.length, state: state as S | undefined });
  };

  #entry = (kind: EntryKind, body: unknown): Entry => ({ v: 1, tenant: 'main', id: `e${++this.#count}`, kind, at: this.clock.now(), streams: [], body });
}

const principalOf = (over: Partial<Identity> = {}, onBehalfOf?: string): Principal => ({ tenant: 'main', identity: identity(over), chain: [], method: 'oidc', expiresAtMs: Number.MAX_SAFE_INTEGER, ...(onBehalfOf !== undefined && { onBehalfOf }) });

function house() {
  const clock = new FakeClock();
  const record = new MemoryRecord(clock);
  const sessions = new Sessions(record, clock);
  const situate = (principal: Principal, sessionHandle?: string) => sessions.situate({ ...received(undefined), principal, claims: {}, ...(sessionHandle !== undefined && { sessionHandle }) });
  const label = (id: string, ...labels: readonly string[]) => record.add(`session:${id}`, 'intent', { action: 'read', labels, spends: {}, digest: 'd' });
  return { clock, record, sessions, situate, label };
}

describe('a session narrows', () => {
  test.each<[readonly string[], readonly string[] | undefined, boolean]>([
    [['*'], undefined, true],
    [['*'], ['payment.*'], true],
    [['payment.*'], ['payment.release'], true],
    [['payment.*'], ['payment.*'], true],
    [['payment.*'], ['payment.*.eu'], true],
    [['payment.*', 'files.*'], ['files.read', 'payment.release'], true],
    [['payment.*'], [], true],
    [['payment.*'], ['*'], false],
    [['payment.*'], ['pay*'], false],
    [['payment.*'], ['*.release'], false],
    [['payment.release'], ['payment.*'], false],
    [['payment.*'], ['Payment.release'], false],
    [['payment.*'], ['payment'], false],
    [['payment.*'], ['payment.release', 'shell.run'], false],
    [['p*t.x'], ['p*t.*'], false],
    [[], ['payment.release'], false],
    [[], undefined, true],
    [['payment.*'], [''], false],
  ])('attack: of %j a session may have %j: %j', async (own, wished, allowed) => {
    const { sessions } = house();
    const answer = await refusal(sessions.open(principalOf({ capabilities: own }), { capabilities: wished }));
    expect(answer === 'accepted' ? true : answer.startsWith('session_refused') ? false : answer).toBe(allowed);
  });

  test('law: whatever a session permits, its identity does', async () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 5 });
    const name = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.array(pattern, { maxLength: 3 }), fc.array(pattern, { maxLength: 3 }), fc.array(name, { maxLength: 8 }), async (own, wished, names) => {
        const state = await house().sessions.open(principalOf({ capabilities: own }), { capabilities: wished }).catch(() => undefined);
        return state === undefined || names.every((one) => !permitsAction(state, one) || own.some((pattern) => matchesGlob(pattern, one)));
      }),
      { numRuns: 500 },
    );
  });

  test.each([[-5, 1_000], [0, 1_000], [1_500, 1_500], [limits.sessionMs * 10, limits.sessionMs]])('law: a session of %d ms lives for %d ms', async (ttlMs, expected) => {
    const { sessions, clock } = house();
    expect((await sessions.open(principalOf(), { ttlMs })).deadlineMs).toBe(clock.now() + expected);
  });

  test.each([NaN, Infinity, -Infinity])('attack: a life of %d makes no session without an end', async (ttlMs) => {
    const state = await house().sessions.open(principalOf(), { ttlMs }).catch(() => undefined);
    expect(state === undefined || Number.isFinite(state.deadlineMs)).toBe(true);
  });
});

describe('whose session it is', () => {
  test('abuse 57: a handle of somebody else, of the same identity for somebody else, or of nobody gets one and the same answer', async () => {
    const { sessions, situate } = house();
    const { id } = await sessions.open(principalOf({}, 'ann'), {});
    const answers = await Promise.all([situate(principalOf({}, 'ben'), id), situate(principalOf(), id), situate(principalOf({ id: 'other' }, 'ann'), id), situate(principalOf({}, 'ann'), 'no-such-session'), situate(principalOf({}, 'ann'), '__proto__'), situate(principalOf({}, 'ann'), '')].map(refusal));
    expect(new Set(answers)).toEqual(new Set(['session_refused: no such session; open one or leave the header away ()']));
    expect((await situate(principalOf({}, 'ann'), id)).session.state.id).toBe(id);
  });

  test('attack: separators in names make no two callers one', async () => {
    const { situate } = house();
    const first = await situate(principalOf({ id: 'a' }, 'b","c'));
    const second = await situate(principalOf({ id: 'a","b' }, 'c'));
    const third = await situate(principalOf({ id: 'a' }, 'null'));
    const fourth = await situate(principalOf({ id: 'a' }));
    expect(new Set([first, second, third, fourth].map(({ session }) => session.state.id)).size).toBe(4);
  });

  test('attack: a session that was ended or is over is used no more, named or not', async () => {
    const { sessions, situate, clock } = house();
    const mine = await situate(principalOf());
    const named = await sessions.open(principalOf(), { ttlMs: 5_000 });
    await sessions.end(mine.session.state.id, principalOf());
    expect((await situate(principalOf())).session.state.id).not.toBe(mine.session.state.id);
    expect(await refusal(situate(principalOf(), mine.session.state.id))).toMatch(/this session has ended/);
    clock.ms += 5_000;
    expect(await refusal(situate(principalOf(), named.id))).toMatch(/this session has ended/);
  });

  test('attack: nobody ends another\'s session', async () => {
    const { sessions, situate } = house();
    const { id } = await sessions.open(principalOf(), {});
    expect(await refusal(sessions.end(id, principalOf({ id: 'other' })))).toMatch(/no such session/);
    expect((await situate(principalOf(), id)).session.state.ended).toBe(false);
  });
});

describe('what a session knows', () => {
  test('attack: leaving the handle away, or opening a new session, does not make an identity forget', async () => {
    const { sessions, situate, label } = house();
    const mine = await situate(principalOf());
    label(mine.session.state.id, 'pii');
    expect((await situate(principalOf())).session.state).toMatchObject({ id: mine.session.state.id, labels: ['pii'] });
    const named = await sessions.open(principalOf(), {});
    expect(named.labels).toEqual(['pii']);
    label(named.id, 'untrusted');
    expect((await sessions.open(principalOf(), {})).labels).toEqual(['pii', 'untrusted']);
  });

  test('attack: ending a session right before the next does not make an identity forget what it read in it', async () => {
    const { sessions, situate, label } = house();
    const mine = await situate(principalOf());
    label(mine.session.state.id, 'pii', 'untrusted');
    await sessions.end(mine.session.state.id, principalOf());
    expect((await situate(principalOf())).session.state.labels).toEqual(['pii', 'untrusted']);
  });

  test('attack: what is labelled in one of two sessions at once is known to a call without a handle', async () => {
    const { sessions, situate, label } = house();
    await situate(principalOf());
    const named = await sessions.open(principalOf(), {});
    label(named.id, 'pii');
    expect((await situate(principalOf())).session.state.labels).toEqual(['pii']);
  });

  test('attack: many sessions at once make nothing grow without end, and what was learnt is not pushed out', async () => {
    const { sessions, situate, label } = house();
    label((await situate(principalOf())).session.state.id, 'pii');
    const answers: string[] = [];
    for (let i = 0; i < 1_500; i++) {
      answers.push(await refusal(sessions.open(principalOf(), { ttlMs: 1_000 })));
      if (answers.at(-1) !== 'accepted') break;
    }
    expect(answers.length).toBeLessThan(1_500);
    expect(answers.at(-1)).toMatch(/^overloaded/);
    expect((await situate(principalOf())).session.state.labels).toEqual(['pii']);
  });

  test('law: a hundred calls at once share one session', async () => {
    const { situate } = house();
    const all = await Promise.all(Array.from({ length: 100 }, () => situate(principalOf())));
    expect(new Set(all.map(({ session }) => session.state.id)).size).toBe(1);
  });
});
