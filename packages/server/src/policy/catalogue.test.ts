import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compile, decisionOn, faultsOf } from '../../../../test/support/policy-kit.js';
import { Catalogue, type CataloguedAction } from './catalogue.js';

const permit = '@id("all") permit (principal, action, resource);';
const faults = (catalogue: string) => faultsOf(permit, { 'catalogue.yaml': catalogue });
const members: Readonly<Record<string, string>> = { owner: 'ann', expires: '2030-01-01', revocation: 'remove the permit', reason: 'it only counts', reversible: 'true' };
const automatic = (without: readonly string[], tier = 'act') => `actions:\n  - { name: a.b, tier: act, match: {} }\n  - name: c.d\n    tier: ${tier}\n    automation: automatic\n    match: { name: c }\n${Object.entries(members).filter(([name]) => !without.includes(name)).map(([name, value]) => `    ${name}: ${value}\n`).join('')}`;

describe('what may run by itself', () => {
  test('story: an action with an owner, an end, a way back and a reason may', () => {
    expect(faults(automatic([]))).toEqual(['none']);
    expect(faults(automatic(['reversible'], 'inspect'))).toEqual(['none']);
  });

  test.each(Object.keys(members))('attack: an automatic action without `%s` is refused at its line', (name) => {
    expect(faults(automatic([name]))).toEqual([`catalogue.yaml:3: \`c.d\` cannot be automatic: expected \`${name}${name === 'reversible' ? ': true' : ''}\``]);
  });

  test('attack: an automatic action that owes everything is told everything', () => {
    expect(faults(automatic(Object.keys(members)))[0]).toBe('catalogue.yaml:3: `c.d` cannot be automatic: expected `owner`, `expires`, `revocation`, `reason`, `reversible: true`');
  });

  test.each(['owner: ""', 'revocation: ""', 'reason: null', 'expires: never', 'expires: 2030-13-01', 'expires: ""', 'reversible: "yes"', 'owner: [ann]'])('abuse 17: `%s` is as good as none', (line) => {
    const [name = ''] = line.split(':');
    expect(faults(`${automatic([name])}    ${line}\n`)[0]).toMatch(/^catalogue\.yaml:\d+:\d+: actions\.1\./);
  });
});

describe('names', () => {
  const entry = (name: string, more = '') => `  - { name: "${name}", tier: act, match: { name: x }${more} }\n`;

  test.each<[string, string, RegExp]>([
    ['one name twice', `actions:\n${entry('a.b')}${entry('a.b')}`, /^catalogue\.yaml:3: the action `a\.b` is there twice/],
    ['one name in other letters', `actions:\n${entry('a.b')}${entry('A.B')}`, /^catalogue\.yaml:3: the action `A\.B` is there twice/],
    ['a name with a blank at its end', `actions:\n${entry('a.b ')}`, /^catalogue\.yaml:2:\d+: actions\.0\.name/],
    ['a name of Cyrillic letters', `actions:\n${entry('\u0430.b')}`, /^catalogue\.yaml:2:\d+: actions\.0\.name/],
    ['`__proto__`', `actions:\n${entry('__proto__')}`, /^catalogue\.yaml:2:\d+: actions\.0\.name/],
    ['a group named like an action', `actions:\n${entry('a.b')}${entry('c.d', ', groups: [a.b]')}`, /^catalogue\.yaml:3: the group `a\.b` has the name of an action/],
    ['an action named like its own group', `actions:\n${entry('a.b', ', groups: [a.b]')}`, /^catalogue\.yaml:2: the group `a\.b` has the name of an action/],
    ['an action named like a tier', `actions:\n${entry('inspect')}`, /^catalogue\.yaml:2: /],
    ['an action named like the tier it has', `actions:\n${entry('act')}`, /^catalogue\.yaml:2: /],
    ['an action named like a built-in group', `actions:\n${entry('mcp-protocol')}`, /^catalogue\.yaml:2: /],
    ['an action named like a group of readers', `actions:\n${entry('reads-pii')}${entry('a.b', ', reads: [pii]')}`, /^catalogue\.yaml:[23]: /],
    ['a built-in action in other letters', `actions:\n${entry('Tools/List')}`, /^catalogue\.yaml:2: /],
    ['a member that nobody knows', `actions:\n${entry('a.b', ', approve: never')}`, /^catalogue\.yaml:2:\d+: /],
    ['a tier that nobody knows', 'actions:\n  - { name: a.b, tier: Act, match: {} }\n', /^catalogue\.yaml:2:\d+: actions\.0\.tier/],
    ['no match', 'actions:\n  - { name: a.b, tier: act }\n', /^catalogue\.yaml:2:\d+: actions\.0\.match/],
    ['a mapping without an envelope', `actions:\n${entry('a.b', ', mapping: {}')}`, /^catalogue\.yaml:2(:\d+)?: /],
    ['a mapping with two envelopes', `actions:\n${entry('a.b', ', mapping: { evaluation: {}, evaluations: {} }')}`, /^catalogue\.yaml:2(:\d+)?: /],
    ['a mapping that asks for what does not exist', `actions:\n${entry('a.b', ', mapping: { evaluation: { action: { name: a }, resource: { type: t, id: $request.id } } }')}`, /^catalogue\.yaml:2(:\d+)?: /],
  ])('abuse 27: %s is refused with its line', (_name, catalogue, expected) => {
    expect(faults(catalogue)[0]).toMatch(expected);
  });

  test('abuse 19: a budget named like a member of every object is a budget like any other', async () => {
    const catalogue = 'actions:\n  - { name: a.b, tier: act, spends: { constructor: amount }, match: { upstream: bank, name: pay } }\n';
    const guard = `${permit}@id("no") forbid (principal, action, resource) when { context.session.spent.constructor.greaterThan(decimal("1.0")) };`;
    expect(await decisionOn(guard, {}, { 'catalogue.yaml': catalogue })).toMatchObject({ outcome: 'allow' });
    expect(await decisionOn(guard, { session: { spent: { constructor: 10_001 } as unknown as Readonly<Record<string, number>> } }, { 'catalogue.yaml': catalogue })).toMatchObject({ outcome: 'deny', kind: 'forbidden' });
  });
});

describe('finding the action of a call', () => {
  const action = (name: string, match: Partial<CataloguedAction['match']>): CataloguedAction => ({ name, tier: 'act', reversible: false, automation: 'human', groups: [], reads: [], releases: [], spends: {}, match: { upstream: '*', method: 'tools/call', name: '*', ...match } });
  const find = (actions: readonly CataloguedAction[], upstream: string, name: string, method = 'tools/call') => new Catalogue(actions).find(upstream, method, name)?.name;

  test.each<[string, readonly CataloguedAction[], string]>([
    ['an exact name before a pattern', [action('pattern', { name: 'pay*' }), action('exact', { name: 'pay' })], 'exact'],
    ['a longer pattern before a shorter one', [action('short', { name: 'p*' }), action('long', { name: 'pa*' })], 'long'],
    ['the name before the upstream', [action('upstream', { upstream: 'bank' }), action('name', { name: 'p*' })], 'name'],
    ['the upstream where the names are alike', [action('any', { name: 'pay' }), action('own', { name: 'pay', upstream: 'bank' })], 'own'],
    ['the first of two that are as exact', [action('first', { name: 'pa*' }), action('second', { name: '*ay' })], 'first'],
    ['stars are no letters', [action('stars', { name: '****' }), action('letter', { name: 'p*' })], 'letter'],
    ['a pattern of many stars is no more exact than what it states', [action('stars', { name: '*p*a*' }), action('letters', { name: 'pay*' })], 'letters'],
  ])('story: %s', (_name, actions, expected) => {
    expect(find(actions, 'bank', 'pay')).toBe(expected);
  });

  test('attack: names, upstreams and methods are taken by the letter', () => {
    const actions = [action('pay', { upstream: 'bank', name: 'pay' })];
    for (const [upstream, name, method] of [['bank', 'Pay', 'tools/call'], ['Bank', 'pay', 'tools/call'], ['bank', 'pay ', 'tools/call'], ['bank', 'pay\u0000', 'tools/call'], ['bank', 'pay', 'Tools/Call'], ['bank', 'pay', 'tools/call '], ['*', '*', '*']] as const) expect(find(actions, upstream, name, method)).toBeUndefined();
  });

  test('law: an action that names a call in full is never passed over for a pattern', () => {
    const pattern = fc.string({ unit: fc.constantFrom('p', 'a', 'y', '*'), maxLength: 6 }).map((text) => `${text}*`);
    fc.assert(fc.property(fc.array(pattern, { maxLength: 5 }), fc.nat(5), (patterns, at) => {
      const actions = patterns.map((name, i) => action(`p${i}`, { name }));
      return find([...actions.slice(0, at), action('exact', { name: 'pay', upstream: 'bank' }), ...actions.slice(at)], 'bank', 'pay') === 'exact';
    }));
  });

  test('story: a bundle without a catalogue knows the protocol\'s own actions only', () => {
    const { catalogue } = compile(permit, { 'catalogue.yaml': undefined });
    expect(catalogue.find('any', 'tools/list', '')?.groups).toEqual(['mcp-protocol']);
    expect(catalogue.find('any', 'tools/call', 'pay')).toBeUndefined();
  });
});
