import { CedarError, EvaluationError, typeError } from '../errors.js';
import { applyExtension, extensionFunctions } from '../values/extension-functions.js';
import { isJsonObject, type Json, toValue } from '../values/json.js';
import { CedarRecord, CedarSet, typeOf } from '../values/value.js';
import { attributeOf, hasAttribute } from './attributes.js';
import { type Compiled, constant, isTrue, type Run } from './compiled.js';
import { Pattern } from './like.js';
import { binaryOperators, entity, isIn, unaryOperators } from './operators.js';

/** How deep expressions may be inside each other. */
const nestingMax = 1_000;

/**
 * An expression of Cedar's JSON policy format as a function. Throws {@link CedarError} for what is none, or
 * has a slot that is not linked.
 */
export function compile(json: Json | undefined, depth = 0): Compiled {
  if (depth > nestingMax) throw new CedarError(`expected expressions at most ${nestingMax} deep`);
  const [operator, operand] = single(json);
  const inner = (expression: Json | undefined) => compile(expression, depth + 1);
  const special = specialForms.get(operator);
  if (special) return special(operand, inner);
  const unary = unaryOperators.get(operator);
  if (unary) {
    const arg = inner(member(operand, 'arg'));
    return folded([arg], (environment) => unary(arg.run(environment)));
  }
  const binary = binaryOperators.get(operator);
  if (binary) {
    const [left, right] = [inner(member(operand, 'left')), inner(member(operand, 'right'))];
    const needsEntities = operator === 'in' || operator === 'hasTag' || operator === 'getTag';
    const run: Run = (environment) => binary(left.run(environment), right.run(environment), environment);
    return needsEntities ? { run } : folded([left, right], run);
  }
  return extension(operator, operand, inner);
}

type Inner = (expression: Json | undefined) => Compiled;

/** The one operator of an expression, and what it is applied to. */
export function single(json: Json | undefined): readonly [string, Json] {
  const [entry, ...others] = isJsonObject(json) ? Object.entries(json) : [];
  if (!entry || others.length > 0) throw new CedarError('expected an expression: an object with one operator');
  return entry;
}

export function member(operand: Json | undefined, name: string): Json {
  const value = isJsonObject(operand) ? operand[name] : undefined;
  if (value === undefined) throw new CedarError(`expected an operator with \`${name}\``);
  return value;
}

/** An operator over constants is a constant, unless it has no value. */
function folded(args: readonly Compiled[], run: Run): Compiled {
  if (!args.every((arg) => arg.constant !== undefined)) return { run };
  try {
    return constant(run(nowhere));
  } catch (error) {
    if (error instanceof EvaluationError) return { run };
    throw error;
  }
}

/** What constants are folded in: they ask it nothing. */
const nowhere = undefined as never;

type SpecialForm = (operand: Json, inner: Inner) => Compiled;

const specialForms: ReadonlyMap<string, SpecialForm> = new Map<string, SpecialForm>([
  ['Value', (operand) => constant(toValue(operand))],
  ['Var', variable],
  ['Slot', () => { throw new CedarError('expected no slot: a template is evaluated through its links'); }],
  ['&&', (operand, inner) => both(inner(member(operand, 'left')), inner(member(operand, 'right')))],
  ['||', (operand, inner) => either(inner(member(operand, 'left')), inner(member(operand, 'right')))],
  ['if-then-else', conditional],
  ['.', (operand, inner) => attributeOf(inner(member(operand, 'left')), text(member(operand, 'attr')))],
  ['has', (operand, inner) => hasAttribute(inner(member(operand, 'left')), member(operand, 'attr'))],
  ['like', like],
  ['is', is],
  ['Set', set],
  ['Record', record],
]);

const text = (json: Json): string => {
  if (typeof json !== 'string') throw new CedarError('expected a text');
  return json;
};

function variable(operand: Json): Compiled {
  switch (operand) {
    case 'principal':
      return { path: operand, run: (environment) => environment.principal };
    case 'action':
      return { path: operand, run: (environment) => environment.action };
    case 'resource':
      return { path: operand, run: (environment) => environment.resource };
    case 'context':
      return { path: operand, run: (environment) => environment.context };
    default:
      throw new CedarError('expected `principal`, `action`, `resource` or `context`');
  }
}

export const both = (left: Compiled, right: Compiled): Compiled => ({ run: (environment) => isTrue(left.run(environment)) && isTrue(right.run(environment)) });

const either = (left: Compiled, right: Compiled): Compiled => ({ run: (environment) => isTrue(left.run(environment)) || isTrue(right.run(environment)) });

function conditional(operand: Json, inner: Inner): Compiled {
  const [condition, then, otherwise] = [inner(member(operand, 'if')), inner(member(operand, 'then')), inner(member(operand, 'else'))];
  return { run: (environment) => (isTrue(condition.run(environment)) ? then : otherwise).run(environment) };
}

function like(operand: Json, inner: Inner): Compiled {
  const left = inner(member(operand, 'left'));
  const pattern = Pattern.fromJson(member(operand, 'pattern'));
  return {
    run: (environment) => {
      const value = left.run(environment);
      if (typeof value === 'string') return pattern.matches(value);
      throw typeError('string', typeOf(value));
    },
  };
}

function is(operand: Json, inner: Inner): Compiled {
  const left = inner(member(operand, 'left'));
  const type = text(member(operand, 'entity_type'));
  const group = isJsonObject(operand) && operand['in'] !== undefined ? inner(operand['in']) : undefined;
  return {
    run: (environment) => {
      const value = entity(left.run(environment));
      return value.type === type && (group === undefined || isIn(value, group.run(environment), environment));
    },
  };
}

function set(operand: Json, inner: Inner): Compiled {
  if (!Array.isArray(operand)) throw new CedarError('expected a set as a list');
  const items = (operand as readonly Json[]).map(inner);
  return folded(items, (environment) => new CedarSet(items.map((item) => item.run(environment))));
}

function record(operand: Json, inner: Inner): Compiled {
  if (!isJsonObject(operand)) throw new CedarError('expected a record as an object');
  const members = Object.entries(operand).map(([name, value]) => [name, inner(value)] as const);
  return folded(members.map(([, value]) => value), (environment) => new CedarRecord(new Map(members.map(([name, value]) => [name, value.run(environment)]))));
}

function extension(name: string, operand: Json, inner: Inner): Compiled {
  const found = extensionFunctions.get(name);
  if (!found) throw new CedarError(`expected an operator or a function of Cedar, got \`${name}\``);
  if (!Array.isArray(operand)) throw new CedarError(`expected \`${name}\` with a list of arguments`);
  const args = (operand as readonly Json[]).map(inner);
  const [first, second] = args;
  // To Cedar, a call with too many or too few arguments is a policy that cannot be evaluated, not one that is malformed.
  if (args.length !== found.arity || !first) return { run: (environment) => applyExtension(name, args.map((arg) => arg.run(environment))) };
  return folded(args, second ? (environment) => found.apply(first.run(environment), second.run(environment)) : (environment) => found.apply(first.run(environment)));
}
