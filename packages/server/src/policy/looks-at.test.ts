import { describe, expect, test } from 'vitest';
import { decisionOn } from '../../../../test/support/policy-kit.js';
import { cedar } from './cedar-wasm.js';
import { argumentsOf } from './looks-at.js';

const parsed = (condition: string) => {
  const answer = cedar().policyToJson(`permit (principal, action, resource) when { ${condition} };`);
  if (answer.type !== 'success') throw new Error(`expected Cedar, got ${condition}`);
  return answer.json;
};

test.each<[string, readonly string[] | 'all']>([
  ['true', []],
  ['context.session.refusals == 1', []],
  ['context.args.amount == 1', ['amount']],
  ['context.args has amount', ['amount']],
  ['context has args.amount', ['amount']],
  ['context.args has options.most', ['options']],
  ['context["args"]["amount"] == 1', ['amount']],
  ['context.args.options.most == 1 || context.args.count == 2', ['count', 'options']],
  ['context.args == { "a": 1 }', 'all'],
  ['[context.args].contains(context.args)', 'all'],
  ['(if true then context.args else context.args).amount == 1', 'all'],
  ['{ "x": context.args }.x has amount', 'all'],
  ['{ "x": context }.x.args has amount', 'all'],
  ['{ ".": context }["."].args has amount', 'all'],
  ['context == context', 'all'],
  ['context has args', 'all'],
  ['-context.args.amount < 1', ['amount']],
  ['[{ "a": [context.args.amount] }].isEmpty()', ['amount']],
  ['context.args["a.b"] == 1', ['a.b']],
  ['context.args.args == 1', ['args']],
  ['{ "args": 1 }.args == 1', []],
  ['context.session.args == 1', []],
])('law: %s looks at %j', (condition, expected) => {
  const found = argumentsOf(parsed(condition));
  expect(found === 'all' ? found : [...found].sort()).toEqual(expected);
});

describe('an argument that does not fit', () => {
  const amount = 1_000_000.000_01;
  const guard = (condition: string) => `@id("all") permit (principal, action, resource);@id("limit") forbid (principal, action == Action::"payment.refund", resource) when { ${condition} };`;
  test.each([
    'context.args has amount && context.args.amount.greaterThan(decimal("5.0"))',
    'context has args.amount && context.args.amount.greaterThan(decimal("5.0"))',
    '{ "a": context.args }.a has amount && { "a": context.args }.a.amount.greaterThan(decimal("5.0"))',
    'context["args"] has "amount" && context["args"]["amount"].greaterThan(decimal("5.0"))',
    '!(context.args has payee) && context.args has amount',
  ])('abuse 16: a guard stays shut, in whatever words it asks: %s', async (condition) => {
    expect(await decisionOn(guard(condition), { tool: 'refund', args: { amount } })).toMatchObject({ outcome: 'deny' });
    expect(await decisionOn(guard(condition), { tool: 'refund', args: {} })).toMatchObject({ outcome: 'allow' });
  });

  test('abuse 16: a permit that asks for its absence does not permit', async () => {
    const policy = '@id("small") permit (principal, action == Action::"payment.refund", resource) unless { context.args has amount };';
    expect(await decisionOn(policy, { tool: 'refund', args: { amount } })).toMatchObject({ outcome: 'deny', kind: 'no_permit' });
    expect(await decisionOn(policy, { tool: 'refund', args: {} })).toMatchObject({ outcome: 'allow' });
  });

  test('story: a policy that looks at other arguments is not concerned', async () => {
    expect(await decisionOn(guard('context.args has payee && context.args.payee == "evil"'), { tool: 'refund', args: { amount, payee: 'good' } })).toMatchObject({ outcome: 'allow' });
  });

  test('attack: what does not fit cannot be made to look like another argument', async () => {
    const open = { name: 'refund', digest: 'd', accepted: true, definition: {} };
    for (const name of ['amount.x', 'amount[]', 'amount.', '__proto__']) expect(await decisionOn(guard('context.args has amount && context.args.amount.greaterThan(decimal("5.0"))'), { tool: 'refund', args: JSON.parse(JSON.stringify({ amount, [name]: 1 })) as Readonly<Record<string, number>>, call: { tool: open } })).toMatchObject({ outcome: 'deny' });
  });
});
