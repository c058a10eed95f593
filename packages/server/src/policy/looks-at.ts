import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { isObject, type Json } from '@flyball/protocol';

/** Arguments that a policy looks at, by name, or all of them when it takes the arguments as a whole. */
export const argumentsOf = (policy: PolicyJson): ReadonlySet<string> | 'all' => namesUnder('args', policy);

/** Facts that a policy looks at, by name, or all of them when it takes the facts as a whole. */
export const factsOf = (policy: PolicyJson): ReadonlySet<string> | 'all' => namesUnder('facts', policy);

function namesUnder(member: 'args' | 'facts', policy: PolicyJson): ReadonlySet<string> | 'all' {
  const named = new Set<string>();
  let whole = false;
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (!isObject(node)) return;
    for (const [operator, operand] of Object.entries(node)) {
      const [head, ...path] = operator === '.' || operator === 'has' ? contextPath(operand) : [];
      const name = path[0];
      if (head === member && name !== undefined) named.add(name);
      else if (head === member || (operator === 'Var' && operand === 'context')) whole = true;
      else if (head === undefined) visit(operand);
    }
  };
  visit(policy.conditions);
  return whole ? 'all' : named;
}

/** The names in `context.a.b` or `context.a has b`, from the context on; nothing when it is not the context that is looked into. */
function contextPath(operand: Json | undefined): readonly string[] {
  if (!isObject(operand)) return [];
  const { left, attr } = operand;
  const own = Array.isArray(attr) ? (attr as readonly Json[]).map(String) : [String(attr)];
  if (!isObject(left)) return [];
  if (left['Var'] === 'context') return own;
  const before = left['.'] === undefined ? [] : contextPath(left['.']);
  return before.length === 0 ? [] : [...before, ...own];
}
