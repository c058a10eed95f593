import { describe, expect, test } from 'vitest';
import { decisionOn, faultsOf } from '../../../../test/support/policy-kit.js';
import { limits } from '../lib/limits.js';

const permit = '@id("all") permit (principal, action, resource);';
const guard = '@id("guard") forbid (principal, action == Action::"payment.release", resource)';

/** Faults of a bundle, and how long it took to find them. */
function timed(policies: string, over: Readonly<Record<string, string>> = {}): { readonly faults: readonly string[]; readonly ms: number } {
  const start = performance.now();
  const faults = faultsOf(policies, over);
  return { faults, ms: performance.now() - start };
}

describe('a policy that would break the parser', () => {
  const many = (text: string, count: number, between = '') => Array.from({ length: count }, () => text).join(between);

  test.each<[string, string]>([
    ['5,000 attributes by index', `${guard} when { context${many('["a"]', 5_000)} == 1 };`],
    ['5,000 calls of methods', `${guard} when { decimal("1.0")${many('.lessThan(decimal("1.0"))', 5_000)} };`],
    ['5,000 attributes', `${guard} when { context${many('.a', 5_000)} == 1 };`],
    ['399 sums', `${guard} when { ${many('1', 399, ' + ')} > 3 };`],
    ['399 differences', `${guard} when { ${many('1', 399, ' - ')} > 3 };`],
    ['5,000 sums', `${guard} when { ${many('1', 5_000, ' + ')} > 3 };`],
    ['5,000 alternatives', `${guard} when { ${many('context.session.refusals > 3', 5_000, ' || ')} };`],
    ['1,000 conditions inside each other', `${guard} when { ${many('if context.session.refusals == 1 then true else ', 1_000)} false };`],
    ['2,000 clauses', `${guard}${many(' unless { context.session.refusals == 1 }', 2_000)};`],
    ['100,000 clauses', `${guard}${many(' when { context.session.refusals == 1 }', 100_000)};`],
    ['10,000 brackets', `${guard} when { ${'('.repeat(10_000)}true${')'.repeat(10_000)} };`],
    ['10,000 lists in lists', `${guard} when { ${'['.repeat(10_000)}${']'.repeat(10_000)} == [] };`],
    ['10,000 negations', `${guard} when { ${'!'.repeat(10_000)}true };`],
    ['a text of a megabyte that never ends', `${guard} when { context.session.purpose == "${'x'.repeat(1_000_000)} };`],
  ])('abuse 18: %s are refused in a moment, and the next bundle is loaded and decides as ever', async (_name, policies) => {
    const { faults, ms } = timed(`${permit}\n${policies}`);
    expect(faults[0]).toMatch(/^policies\/main\.cedar:2(:\d+)?: /);
    expect(ms).toBeLessThan(5_000);
    expect(await decisionOn(permit)).toMatchObject({ outcome: 'allow' });
    expect(await decisionOn(`${permit}\n${guard};`)).toMatchObject({ outcome: 'deny', kind: 'forbidden' });
  });
});

describe('bundles of any size', () => {
  test('abuse 18: a policy of a megabyte is read, and its last word counts', async () => {
    const words = Array.from({ length: 40_000 }, (_, i) => `"purpose number ${i}"`).join(',');
    const policies = `${permit}\n${guard} when { [${words},"testing"].contains(context.session.purpose) };`;
    const start = performance.now();
    expect(policies.length).toBeGreaterThan(900_000);
    expect(await decisionOn(policies)).toMatchObject({ outcome: 'deny' });
    expect(performance.now() - start).toBeLessThan(15_000);
  });

  test('abuse 18: more policies than the bound are refused before any is parsed', () => {
    const { faults, ms } = timed(Array.from({ length: limits.policiesMax + 1 }, (_, i) => `@id("p${i}") permit(principal,action,resource);`).join('\n'));
    expect(faults).toEqual([`policies/: expected at most ${limits.policiesMax} policies, got ${limits.policiesMax + 1}`]);
    expect(ms).toBeLessThan(2_000);
  });

  test('abuse 18: of a thousand faults fifty are shown', () => {
    const faults = faultsOf(Array.from({ length: 1_000 }, () => 'permit (principal, action, resource);').join('\n'));
    expect(faults).toHaveLength(51);
    expect(faults.at(-1)).toBe('… and 950 more');
  });
});

describe('YAML', () => {
  const people = (text: string) => timed(permit, { 'people.yaml': text });

  test.each<[string, string, RegExp]>([
    ['a bomb of aliases', `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'.charAt(i)}`).join(',')}]`).join('\n')}\npeople: [*i]\n`, /^people\.yaml:\d+:\d+: expected no aliases/],
    ['one alias', 'people: &a []\nmore: *a\n', /^people\.yaml:\d+:\d+: expected no aliases/],
    ['an alias as a key', '? &a people\n: []\n? *a\n: []\n', /^people\.yaml:\d+:\d+: /],
    ['an alias in a merge', 'x: &x { id: ann }\npeople:\n  - { <<: *x, administrator: true }\n', /^people\.yaml:\d+:\d+: expected no aliases/],
    ['a document that contains itself', '&a\npeople: [*a]\n', /^people\.yaml:\d+:\d+: /],
    ['20,000 lists in lists', `people: ${'['.repeat(20_000)}${']'.repeat(20_000)}`, /^people\.yaml:\d+:\d+: /],
    ['20,000 lists that never end', `people: ${'['.repeat(20_000)}`, /^people\.yaml:\d+:\d+: /],
    ['400 mappings in mappings', `people:\n${Array.from({ length: 400 }, (_, i) => `${' '.repeat(i + 1)}a:`).join('\n')}`, /^people\.yaml:\d+:\d+: /],
    ['a sequence of 5,000 dashes', `people: \n  ${'- '.repeat(5_000)}a`, /^people\.yaml:\d+:\d+: /],
    ['control characters', 'people: "\u0000\u0001"\n', /^people\.yaml:\d+:\d+: /],
  ])('abuse 18: %s is refused with its place, in a moment', (_name, text, expected) => {
    const { faults, ms } = people(text);
    expect(faults[0]).toMatch(expected);
    expect(ms).toBeLessThan(10_000);
  });
});
