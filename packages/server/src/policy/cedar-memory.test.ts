import { expect, test } from 'vitest';
import { bundleFiles } from '../../../../test/support/policy-kit.js';
import { CedarMemory } from './cedar-memory.js';
import { compileBundle } from './load-bundle.js';

const permit = '@id("pays") permit (principal, action == Action::"payment.release", resource) when { context.args.amount.lessThan(decimal("5.0")) };';

/** Faults and warnings of a bundle. */
function findings(memory: CedarMemory | undefined, policies: string, over: Readonly<Record<string, string>> = {}): readonly string[] {
  try {
    const { warnings, engine } = compileBundle(bundleFiles(policies, over), memory);
    engine.close();
    return warnings;
  } catch (error) {
    return [(error as Error).message];
  }
}

const withoutAmount = { 'tools/bank.json': JSON.stringify({ tools: [{ name: 'pay', inputSchema: { type: 'object', properties: { payee: { type: 'string' } } } }] }) };

test.each<[string, string, Readonly<Record<string, string>>]>([
  ['the same policies', permit, {}],
  ['one more that is wrong', `${permit}@id("x") permit (principal, action, resource) when { context.nothing };`, {}],
  ['one more that cannot be read', `${permit}@id("x") permit (principal, action resource);`, {}],
  ['the same policy, moved', `\n\n${permit}`, {}],
  ['the same text under another id', permit.replace('pays', 'other'), {}],
  ['the same policies, other tools', permit, withoutAmount],
  ['an impossible guard', `${permit}@id("x") forbid (principal, action, resource) when { false };`, {}],
])('law: what was loaded before changes nothing of what is found: %s', (_name, policies, over) => {
  const memory = new CedarMemory();
  findings(memory, permit);
  const expected = findings(undefined, policies, over);
  expect(findings(memory, policies, over)).toEqual(expected);
  // A bundle that was refused is not remembered as a good one.
  expect(findings(memory, policies, over)).toEqual(expected);
  expect(findings(memory, permit)).toEqual([]);
});

test('law: a warning is given at every load', () => {
  const memory = new CedarMemory();
  const policies = `${permit}@id("never") permit (principal, action, resource) when { principal.kind == "x" && false };`;
  const first = findings(memory, policies);
  expect(first).not.toEqual([]);
  expect(findings(memory, policies)).toEqual(first);
});
