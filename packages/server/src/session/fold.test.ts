import type { Effect, Entry, EntryKind } from '@flyball/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { SessionState } from '../action/states.js';
import { limits } from '../lib/limits.js';
import { foldIdentity, foldSession, type IdentityState } from './fold.js';

let count = 0;
const entry = (kind: EntryKind, body: unknown, over: Partial<Entry> = {}): Entry => ({ v: 1, tenant: 'main', id: `e${++count}`, kind, at: 1_000, streams: [], body, ...over });
const opening = (over: Readonly<Record<string, unknown>> = {}) => entry('session.opened', { session: 's', identity: 'robot', capabilities: ['*'], implicit: false, inherited: [], ...over }, { id: 'opening', at: 1_000, deadline: 9_000 });
const intent = (id: string, over: Readonly<Record<string, unknown>> = {}, settles?: string) => entry('intent', { action: 'pay', labels: [], spends: {}, digest: 'd', ...over }, { id, ...(settles !== undefined && { settles }) });
const outcome = (id: string, effect: Effect) => entry('outcome', { effect }, { settles: id });
const hold = (id: string, digest: string, deadline = 5_000) => entry('hold', { digest, question: `q-${digest}`, action: 'pay', decision: { outcome: 'step_up', approvals: [{ policy: 'ask' }], facts: [] } }, { id, deadline });
const approval = (digest: string, person: string, of = 'h') => entry('approval', { hold: of, digest, person });
const answered = (digest: string, status: 'refused' | 'expired', of = 'h') => entry('hold.settled', { digest, status }, { settles: of });
const fold = (...entries: readonly Entry[]): SessionState => {
  const state = entries.reduce<SessionState | undefined>((before, each) => foldSession(before, each, { salt: 'salt', content: '{"purpose":"p"}' }), undefined);
  if (!state) throw new Error('expected a session');
  return state;
};

describe('stories', () => {
  test('story: what a session starts with', () => {
    expect(fold(opening({ inherited: ['pii'], on_behalf_of: 'ann' }))).toMatchObject({ id: 's', onBehalfOf: 'ann', labels: ['pii'], openedAtMs: 1_000, deadlineMs: 9_000, ended: false, spent: {}, open: {} });
  });

  test.each<[Effect, number]>([['succeeded', 500], ['unknown', 500], ['failed', 0]])('story: after an outcome that is %s, %d of the budget is drawn', (effect, expected) => {
    const state = fold(opening(), intent('i', { spends: { eur: 500 }, labels: ['pii'] }), outcome('i', effect));
    expect([state.spent, state.open, state.labels, state.counts]).toEqual([{ eur: expected }, {}, ['pii'], { pay: 1 }]);
  });

  test('story: while an action is under way its budget, its count and its labels are taken', () => {
    expect(fold(opening(), intent('i', { spends: { eur: 500 }, labels: ['pii'] }))).toMatchObject({ spent: { eur: 500 }, counts: { pay: 1 }, labels: ['pii'], open: { i: { action: 'pay', spends: { eur: 500 } } } });
  });

  test.each<[string, readonly Entry[], SessionState['holds'][string]['status'], number]>([
    ['nobody answered', [hold('h', 'd')], 'pending', 0],
    ['somebody agreed', [hold('h', 'd'), approval('d', 'ann')], 'pending', 1],
    ['somebody refused', [hold('h', 'd'), answered('d', 'refused')], 'refused', 0],
    ['it expired', [hold('h', 'd'), answered('d', 'expired')], 'expired', 0],
    ['it was used', [hold('h', 'd'), approval('d', 'ann'), intent('i', { digest: 'd' }, 'h')], 'used', 1],
    ['somebody refused and another agreed later', [hold('h', 'd'), answered('d', 'refused'), approval('d', 'ann')], 'refused', 1],
    ['it was used and somebody agreed later', [hold('h', 'd'), intent('i', { digest: 'd' }, 'h'), approval('d', 'ann')], 'used', 1],
    ['it is asked for again: agreements do not carry over', [hold('h', 'd'), approval('d', 'ann'), answered('d', 'expired'), hold('h2', 'd')], 'pending', 0],
    ['an answer to an earlier hold of the same digest comes late', [hold('h', 'd'), hold('h2', 'd'), approval('d', 'ann'), answered('d', 'refused')], 'pending', 0],
    ['an action without approval leaves it alone', [hold('h', 'd'), intent('i', { digest: 'd' })], 'pending', 0],
    ['an action on another digest leaves it alone', [hold('h', 'd'), intent('i', { digest: 'other' }, 'h')], 'pending', 0],
  ])('story: a hold when %s', (_name, entries, status, agreements) => {
    expect(fold(opening(), ...entries).holds['d']).toMatchObject({ status, agreed: { length: agreements } });
  });

  test('story: what is asked anew ends the question before it, of this digest or of another, and begins without answers', () => {
    const again = (id: string, digest: string, settles: string) => ({ ...hold(id, digest), settles });
    const other = fold(opening(), hold('h', 'd'), approval('d', 'ann'), again('h2', 'e', 'h'));
    expect([other.holds['d']?.status, other.holds['e']?.status, other.holds['e']?.agreed]).toEqual(['superseded', 'pending', []]);
    const same = fold(opening(), hold('h', 'd'), approval('d', 'ann'), again('h2', 'd', 'h'), approval('d', 'ben', 'h'));
    expect(same.holds['d']).toMatchObject({ id: 'h2', status: 'pending', agreed: [], asks: ['people:ask'] });
  });

  test('story: evidence, arrived facts and late answers are the hold\'s that they name', () => {
    const about = (kind: EntryKind, of: string, over: object) => entry(kind, { hold: of, digest: 'd', ...over });
    const state = fold(opening(), hold('h', 'd'), about('evidence', 'h', { kind: 'ticket' }), about('evidence', 'other', { kind: 'invoice' }), about('facts.arrived', 'other', {}), about('answer.late', 'h', { person: 'ann' }), entry('approval', { hold: 'h', digest: 'd', person: 'ben', authority: 'cyd', groups: ['finance'], signature: {}, narrow: { caps: { amount: 5 } }, evidence: [{ kind: 'plan' }] }));
    expect(state.holds['d']).toMatchObject({ evidence: [{ kind: 'ticket' }, { kind: 'plan' }], arrived: false, late: ['ann'], agreed: [{ person: 'ben', authority: 'cyd', groups: ['finance'], signed: true, narrow: { caps: { amount: 5 } } }] });
    expect(fold(opening(), hold('h', 'd'), about('facts.arrived', 'h', {})).holds['d']?.arrived).toBe(true);
  });

  test('story: what an identity has open ends when it is ended, and is remembered for what was learnt in it', () => {
    const first = entry('session.opened', { session: 's1', implicit: true }, { id: 'o1', at: 0, deadline: 100 });
    const second = entry('session.opened', { session: 's2', implicit: false }, { id: 'o2', at: 50, deadline: 150 });
    const known = (...entries: readonly Entry[]) => entries.reduce<IdentityState | undefined>(foldIdentity, undefined)?.sessions.map(({ id, ended }) => (ended ? `${id} ended` : id));
    expect(known(first, second)).toEqual(['s1', 's2']);
    expect(known(first, second, entry('session.ended', {}, { settles: 'o1', at: 60 }))).toEqual(['s1 ended', 's2']);
    // As long as a temporal clause can see something of it.
    const gone = limits.sessionMs + limits.temporalWindowMs;
    expect(known(first, second, entry('refusal', {}, { at: gone - 1 }))).toEqual(['s1', 's2']);
    expect(known(first, second, entry('refusal', {}, { at: gone }))).toEqual(['s2']);
    expect(known(first, second, entry('refusal', {}, { at: gone + 50 }))).toEqual([]);
  });
});

describe('attacks', () => {
  test('attack: an outcome that comes twice, or for nothing, gives no budget back', () => {
    const twice = fold(opening(), intent('i', { spends: { eur: 500 } }), intent('j', { spends: { eur: 300 } }), outcome('i', 'failed'), outcome('i', 'failed'), outcome('never', 'failed'), entry('outcome', { effect: 'failed' }));
    expect(twice.spent).toEqual({ eur: 300 });
  });

  test('abuse 19: actions and budgets named like members of every object count like any other', () => {
    const state = fold(opening(), intent('i', { action: 'constructor', spends: { constructor: 500 } }), intent('j', { action: 'constructor', spends: { constructor: 1 } }), outcome('j', 'failed'));
    expect([state.counts, state.spent]).toEqual([{ constructor: 2 }, { constructor: 500 }]);
  });

  test('attack: an answer to a hold that is not there changes nothing', () => {
    const before = fold(opening());
    expect(fold(opening(), approval('d', 'ann'), answered('d', 'refused'))).toEqual(before);
  });

  test('abuse 39: a machine that asks all day makes its session no larger; what waits is not forgotten, and what was refused is the last to be', () => {
    const asked = Array.from({ length: 2_000 }, (_, n) => [hold(`h${n}`, `d${n}`), ...(n % 50 === 0 ? [] : [answered(`d${n}`, n % 5 === 1 ? 'refused' : 'expired', `h${n}`)])]).flat();
    const holds = Object.values(fold(opening(), ...asked).holds);
    expect(holds).toHaveLength(limits.holdsRememberedMax);
    expect(holds.filter(({ status }) => status === 'pending').map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, n) => `h${n * 50}`));
    const refused = holds.filter(({ status }) => status === 'refused').map(({ id }) => id);
    expect(refused).toHaveLength(400);
    expect(holds.filter(({ status }) => status === 'expired').at(-1)?.id).toBe('h1999');
    const again = Array.from({ length: 1_000 }, (_, n) => hold(`again${n}`, 'same'));
    expect(Object.keys(fold(opening(), ...again).pastHolds ?? {})).toHaveLength(limits.holdsRememberedMax);
  });

  const others = (from: number, many: number) => Array.from({ length: many }, (_, n) => [hold(`o${from + n}`, `o${from + n}`), answered(`o${from + n}`, 'expired', `o${from + n}`)]).flat();
  const after = (id: string, digest: string, ...first: readonly string[]) => entry('hold', { digest, question: `q-${digest}`, action: 'pay', decision: { outcome: 'defer', approvals: [], facts: [{ policy: 'f' }] }, after: first, depth: 1 }, { id, deadline: 5_000 });

  test('attack: by asking on and on a machine loses neither a refusal nor what came to nothing because of one', () => {
    const state = fold(opening(), hold('a', 'a'), after('b', 'b', 'a'), answered('a', 'refused', 'a'), answered('b', 'expired', 'b'), ...others(0, 1_500));
    expect([state.holds['a']?.status, state.holds['b']?.status, state.holds['b']?.after]).toEqual(['refused', 'expired', ['a']]);
  });

  test('law: what waits for something finds what became of it, however long ago that was', () => {
    const state = fold(opening(), hold('a', 'a'), intent('i', { digest: 'a' }, 'a'), after('b', 'b', 'a'), ...others(0, 2_500));
    expect([state.holds['b']?.status, state.holds['a'], state.pastHolds?.['a']]).toEqual(['pending', undefined, 'used']);
    expect(Object.keys(state.pastHolds ?? {})).toHaveLength(limits.holdsRememberedMax);
  });

  test('law: the question that ended first is forgotten first, also when it was asked before under the same digest', () => {
    const asked = [hold('a1', 'a'), answered('a', 'expired', 'a1'), ...others(0, 400), hold('a2', 'a'), answered('a', 'expired', 'a2'), ...others(400, 99)];
    expect(fold(opening(), ...asked).holds['a']?.id).toBe('a2');
    expect(fold(opening(), ...asked, ...others(500, 2)).holds['o0']).toBeUndefined();
    const refusals = Array.from({ length: limits.holdsRememberedMax }, (_, n) => [hold(`r${n}`, `r${n}`), answered(`r${n}`, 'refused', `r${n}`)]).flat();
    const late = fold(opening(), hold('first', 'first'), ...refusals.slice(0, -2), answered('first', 'refused', 'first'), ...others(0, 5));
    expect([late.holds['first']?.status, late.holds['r0'], late.holds['r1']?.status]).toEqual(['refused', undefined, 'refused']);
    expect(Object.keys(late.holds)).toHaveLength(limits.holdsRememberedMax);
  });

  test('attack: a second opening of the same session makes it forget nothing', () => {
    const state = fold(opening(), intent('i', { labels: ['pii'], spends: { eur: 500 } }), opening());
    expect(state).toMatchObject({ labels: ['pii'], spent: { eur: 500 }, counts: { pay: 1 } });
  });

  test('attack: nothing that comes before the opening makes a session', () => {
    for (const kind of ['intent', 'outcome', 'hold', 'approval', 'refusal', 'session.ended', 'hold.settled'] as const) expect(foldSession(undefined, entry(kind, {}))).toBeUndefined();
  });
});

describe('laws', () => {
  const label = fc.constantFrom('pii', 'untrusted', 'financial');
  const id = fc.constantFrom('i1', 'i2', 'i3');
  const digest = fc.constantFrom('d1', 'd2');
  const held = fc.constantFrom('h', 'h1', 'h2');
  const any: fc.Arbitrary<Entry> = fc.oneof(
    fc.tuple(id, fc.uniqueArray(label, { maxLength: 2 }), fc.integer({ min: 0, max: 1_000 }), digest, fc.boolean()).map(([name, labels, eur, bound, uses]) => intent(`${name}-${++count}`, { labels, spends: { eur }, digest: bound }, uses ? `h${bound}` : undefined)),
    fc.tuple(fc.nat(40), fc.constantFrom<Effect>('succeeded', 'failed', 'unknown')).map(([back, effect]) => outcome(`i${(back % 3) + 1}-${Math.max(1, count - back)}`, effect)),
    fc.tuple(digest, held).map(([bound, name]) => hold(`${name}${bound}`, bound)),
    fc.tuple(digest, fc.constantFrom('ann', 'ben'), held).map(([bound, person, name]) => approval(bound, person, `${name}${bound}`)),
    fc.tuple(digest, fc.constantFrom('refused' as const, 'expired' as const), held).map(([bound, status, name]) => answered(bound, status, `${name}${bound}`)),
    fc.constantFrom<EntryKind>('refusal', 'session.ended', 'tool.pinned', 'bundle.activated').map((kind) => entry(kind, {})),
  );
  const step = (check: (before: SessionState, after: SessionState, one: Entry) => boolean) => () => {
    fc.assert(fc.property(fc.array(any, { maxLength: 30 }), (entries) => {
      let state = fold(opening({ inherited: ['internal'] }));
      for (const one of entries) {
        const next = foldSession(state, one) ?? state;
        if (!check(state, next, one)) return false;
        state = next;
      }
      return true;
    }));
  };

  test('law: labels never shrink', step((before, after) => before.labels.every((one) => after.labels.includes(one)) && new Set(after.labels).size === after.labels.length));
  test('law: counts and refusals never shrink, and what ended stays ended', step((before, after) => Object.entries(before.counts).every(([name, n]) => (after.counts[name] ?? 0) >= n) && after.refusals >= before.refusals && (!before.ended || after.ended)));
  test('law: only a failed outcome lowers what was spent, by exactly what it drew, and never below nothing', step((before, after, one) => {
    const [was, is] = [before.spent['eur'] ?? 0, after.spent['eur'] ?? 0];
    const drawn = one.settles === undefined ? undefined : before.open[one.settles]?.spends['eur'];
    return is >= 0 && (is >= was || (one.kind === 'outcome' && (one.body as { effect: string }).effect === 'failed' && was - is === drawn));
  }));
  test('law: a hold that was refused or used is pending again only as another hold', step((before, after) => Object.values(before.holds).every((one) => after.holds[one.digest]?.status !== 'pending' || one.status === 'pending' || after.holds[one.digest]?.id !== one.id || after.holds[one.digest]?.agreed.length === 0)));

  test('law: the state is a function of the entries: folding never changes what it was given', () => {
    fc.assert(fc.property(fc.array(any, { maxLength: 12 }), (entries) => {
      const freeze = (value: unknown): unknown => {
        if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(freeze);
        return value;
      };
      const all = [opening(), ...entries];
      all.forEach(freeze);
      expect(fold(...all)).toEqual(fold(...(JSON.parse(JSON.stringify(all)) as Entry[])));
    }));
  });
});
