import { applyChanges, authorize, findSmallestChange } from '@flyball/cedar';
import { expect, test } from 'vitest';
import { type Attempt, compile, decided } from '../../../../test/support/policy-kit.js';
import type { Bundle } from './bundle.js';
import { clauseLines } from './clauses.js';
import { environmentsOf, whatWouldAllow } from './counterfactual.js';

const inputsOf = async (attempt: Attempt, bundle: Bundle) => (await decided(bundle, attempt)).inputs;

const permit = '@id("pays") permit (principal in Group::"robots", action == Action::"payment.release", resource);';
const limit = '@id("limit") forbid (principal, action == Action::"payment.release", resource) when { context.args.amount.greaterThan(decimal("1000.0")) };';
const finance = '@id("two") @outcome("step_up") @approvers("finance") forbid (principal, action == Action::"payment.release", resource) when { context.args.amount.greaterThan(decimal("100.0")) };';

test.each<[string, string, Attempt, readonly (string | RegExp)[]]>([
  ['a limit', permit + limit, { args: { amount: 5_000 } }, ['`context.args.amount` would have to be `decimal("1000.0")`']],
  ['a limit behind which people wait', permit + limit + finance, { args: { amount: 5_000 } }, ['`context.args.amount` would have to be `decimal("1000.0")`', 'then 1 of the group `finance` would have to agree (two)']],
  ['a group', '@id("others") permit (principal in Group::"humans", action == Action::"payment.release", resource);', {}, ['`Identity::"robot"` would have to be in `Group::"humans"`']],
  ['an argument that has to be there', '@id("urgent") permit (principal, action == Action::"payment.release", resource) when { context.args has urgent && context.args.urgent };', {}, ['`context.args.urgent` would have to be `true`']],
  ['two things at once', '@id("both") permit (principal, action == Action::"payment.release", resource) when { context.args has payee && context.args.payee == "acme" && context.session.purpose == "payroll" };', {}, ['`context.args.payee` would have to be `"acme"`', '`context.session.purpose` would have to be `"payroll"`']],
  ['labels of the session', `${permit}@id("flow") forbid (principal, action, resource) when { context.session.labels.containsAll(["pii", "untrusted"]) };`, { session: { labels: ['pii', 'untrusted', 'other'] } }, [/^`context.session.labels` would have to be `\["untrusted", "other"\]`$/]],
  ['an overflow', `${permit}@id("odd") forbid (principal, action == Action::"payment.release", resource) when { context.args has count && context.args.count * 9223372036854775807 > 0 };`, { args: { amount: 1, count: 5 } }, [/`context.args.count` would have to be/]],
  ['no way at all', '@id("never") forbid (principal, action, resource);', {}, [/^no other context, identity or resource was found/]],
])('story: what would allow: %s', async (_name, policies, attempt, expected) => {
  const bundle = compile(policies);
  const said = whatWouldAllow(await inputsOf(attempt, bundle), bundle);
  expect(said).toHaveLength(expected.length);
  for (const [index, line] of expected.entries()) expect(said[index]).toEqual(typeof line === 'string' ? line : expect.stringMatching(line));
});

test('law: what is not denied needs no other way', async () => {
  const bundle = compile(permit + finance);
  expect(whatWouldAllow(await inputsOf({ args: { amount: 500 } }, bundle), bundle)).toEqual([]);
});

test('story: the clause that decided is named, with the values that it saw', async () => {
  const bundle = compile(permit + limit);
  const [environment] = environmentsOf(await inputsOf({ args: { amount: 5_000 } }, bundle), bundle);
  expect(environment && clauseLines(bundle, 'limit', environment)).toEqual(['when `context.args.amount.greaterThan(decimal("1000.0"))` was true; context.args.amount = decimal("5000.0")']);
});

const conditions = [
  'context.args.amount.lessThan(decimal("AMOUNT"))', 'context.args.amount.greaterThanOrEqual(decimal("AMOUNT"))', 'context.args has count && context.args.count < NUMBER', 'if context.args has count then context.args.count > NUMBER else true', 'context.args has payee && context.args.payee == "p1"', 'context.args has payee && context.args.payee like "ac*me"', 'context.args has urgent && context.args.urgent', 'context.session.labels.contains("pii")', '!context.session.labels.contains("pii")',
  'context.session.labels.containsAny(["pii", "untrusted"])', 'context.session.labels.containsAll(["pii", "untrusted"])', 'context.session.labels.isEmpty()', 'context.session.purpose == "payroll"', '["payroll", "testing"].contains(context.session.purpose)', 'context.session.refusals < 3', 'context.session.age < duration("1h")', 'context.now < datetime("2030-01-01")', 'context.now.toTime() < duration("18h")', 'context has on_behalf_of && context.on_behalf_of == "ann"', 'principal.kind == "agent"',
  'principal.autonomy != "autonomous"', 'principal.owner == "ann" || principal.owner == "ben"', 'principal in Group::"humans"', 'context.facts has change_window && context.facts.change_window.open', 'context.facts has vendor && context.facts.vendor.checked', 'context.origin has address && context.origin.address.isInRange(ip("10.0.0.0/8"))', 'if context.args has urgent then context.args.urgent else context.args.amount.lessThan(decimal("AMOUNT"))', 'resource.kind == "tool"',
];

test('law: of random denials by policies as people write them, 95 in 100 have a change that was found; every one that was found is allowed', async () => {
  let seed = 1;
  const below = (limitOf: number) => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) % limitOf;
  const condition = () => `(${conditions[below(conditions.length)] ?? ''})`.replace('AMOUNT', `${below(900)}.0`).replace('NUMBER', String(below(50)));
  const clause = () => `${below(4) === 0 ? 'unless' : 'when'} { ${condition()}${below(2) === 0 ? ` ${below(3) === 0 ? '||' : '&&'} ${condition()}` : ''} }`;
  const head = () => `(principal${['', ' in Group::"robots"', ' in Group::"humans"'][below(3)]}, action == Action::"payment.release", resource)`;
  let [denied, found] = [0, 0];
  for (let world = 0; world < 60; world++) {
    const texts = Array.from({ length: 4 }, (_, index) => `@id("p${index}") ${index === 0 || below(2) === 0 ? 'permit' : 'forbid'} ${head()} ${clause()};`);
    let bundle;
    try {
      bundle = compile(texts.join('\n'), { 'policies/other.cedar': '@id("humans-read") permit (principal in Group::"humans", action == Action::"shell.run", resource);', 'identities.yaml': 'identities:\n  - { id: robot, kind: agent, autonomy: autonomous, owner: ann, purpose: testing, groups: [robots] }\n  - { id: person, kind: agent, autonomy: scripted, owner: ann, purpose: testing, groups: [humans] }\n' });
    } catch {
      continue; // validation found a guard that could never hold
    }
    for (let round = 0; round < 12; round++) {
      const attempt = { args: { amount: below(1_000), ...(below(2) === 0 && { count: below(60) }), ...(below(2) === 0 && { payee: 'p2' }), ...(below(2) === 0 && { urgent: below(2) === 0 }) }, session: { labels: ['pii', 'untrusted', 'x'].filter(() => below(2) === 0) } };
      for (const environment of environmentsOf(await inputsOf(attempt, bundle), bundle)) {
        if (authorize(bundle.policySet, environment).decision === 'allow') continue;
        denied++;
        const { changes } = findSmallestChange(bundle.policySet, environment);
        if (!changes) continue;
        found++;
        expect(authorize(bundle.policySet, applyChanges(changes, environment)).decision).toBe('allow');
      }
    }
  }
  console.log(`${found} of ${denied} denials`);
  expect(denied).toBeGreaterThan(100);
  expect(found / denied).toBeGreaterThanOrEqual(0.95);
});
