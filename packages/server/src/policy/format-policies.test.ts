import { expect, test } from 'vitest';
import { bundleFiles } from '../../../../test/support/policy-kit.js';
import { formatPolicies } from './format-policies.js';
import { compileBundle } from './load-bundle.js';

const text = '// who pays\n@id("pays") permit(principal,action==Action::"payment.release",resource) when{context.args.amount.lessThan(decimal("5.0"))&&context.args has payee};\n@id("no") forbid(principal,action,resource) unless{principal.kind=="agent"};';

test('law: formatted policies are the same policies, comments and all, and are formatted', () => {
  const formatted = formatPolicies('policies/main.cedar', text) ?? '';
  expect(formatted).toContain('// who pays');
  expect(formatted).not.toBe(text);
  expect(formatPolicies('policies/main.cedar', formatted)).toBe(formatted);
  const jsonOf = (policies: string) => compileBundle(bundleFiles(policies)).policies.map(({ id, json }) => [id, json]);
  expect(jsonOf(formatted)).toEqual(jsonOf(text));
});

test('law: what the formatter does not know is left alone, and what is no Cedar is refused by its name', () => {
  expect(formatPolicies('policies/main.cedar', `${text} @id("t") forbid (principal, action, resource) when temporal { tp(t) };`)).toBeUndefined();
  expect(() => formatPolicies('policies/main.cedar', 'permit (principal')).toThrow(/^policies\/main\.cedar: .*nothing was changed$/);
});
