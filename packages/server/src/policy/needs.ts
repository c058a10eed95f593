import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { EngineRequest } from './engine.js';

/** Which parts of a request some policies can look at; the rest cannot change what they say. */
export interface Needs {
  /** Attributes of the context by name, or all of them when a policy takes the context as a whole. */
  readonly context: ReadonlySet<string> | 'all';
  readonly principal: boolean;
  readonly resource: boolean;
}

export function needsOf(policies: readonly PolicyJson[]): Needs {
  const context = new Set<string>();
  const whole = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (!isObject(node)) return;
    for (const [operator, operand] of Object.entries(node)) {
      const attributes = operator === '.' || operator === 'has' ? contextAttributes(operand) : undefined;
      if (attributes) attributes.forEach((attribute) => context.add(attribute));
      else if (operator === 'Var' && typeof operand === 'string') whole.add(operand);
      else visit(operand);
    }
  };
  policies.forEach((policy) => visit(policy.conditions));
  return { context: whole.has('context') ? 'all' : context, principal: whole.has('principal'), resource: whole.has('resource') };
}

/** The attribute in `context.x` or `context has x`; nothing when it is not the context that is looked into. */
function contextAttributes(operand: Json | undefined): readonly string[] | undefined {
  if (!isObject(operand) || !isObject(operand['left']) || operand['left']['Var'] !== 'context') return undefined;
  const { attr } = operand;
  if (typeof attr === 'string') return [attr];
  return Array.isArray(attr) && typeof attr[0] === 'string' ? [attr[0]] : undefined;
}

/** Arguments that a policy looks at, by name, or all of them when it takes the arguments as a whole. */
export function argumentsOf(policy: PolicyJson): ReadonlySet<string> | 'all' {
  const named = new Set<string>();
  let whole = false;
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return node.forEach(visit);
    if (!isObject(node)) return;
    for (const [operator, operand] of Object.entries(node)) {
      const [head, ...path] = operator === '.' || operator === 'has' ? argumentPath(operand) : [];
      const name = path[0];
      if (head === 'args' && name !== undefined) named.add(name);
      else if (head === 'args' || (operator === 'Var' && operand === 'context')) whole = true;
      else if (head === undefined) visit(operand);
    }
  };
  visit(policy.conditions);
  return whole ? 'all' : named;
}

/** The names in `context.a.b` or `context.a has b`, from the context on; nothing when it is not the context that is looked into. */
function argumentPath(operand: Json | undefined): readonly string[] {
  if (!isObject(operand)) return [];
  const { left, attr } = operand;
  const own = Array.isArray(attr) ? (attr as readonly Json[]).map(String) : [String(attr)];
  if (!isObject(left)) return [];
  if (left['Var'] === 'context') return own;
  const before = left['.'] === undefined ? [] : argumentPath(left['.']);
  return before.length === 0 ? [] : [...before, ...own];
}

/** The request without what no policy can look at: handing it over costs more than evaluating. */
export function slice(request: EngineRequest, needs: Needs): EngineRequest {
  const context = request.context as JsonObject;
  const entities = request.entities as readonly JsonObject[];
  const bare = (type: Json | undefined) => (type === 'Identity' && !needs.principal) || (type === 'Resource' && !needs.resource);
  return {
    ...request,
    context: needs.context === 'all' ? context : Object.fromEntries(Object.entries(context).filter(([name]) => (needs.context as ReadonlySet<string>).has(name))),
    entities: entities.map((entity) => (isObject(entity['uid']) && bare(entity['uid']['type']) ? { ...entity, attrs: {} } : entity)),
  };
}
