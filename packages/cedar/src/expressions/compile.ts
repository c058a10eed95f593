import { CedarError, EvaluationError, typeError } from '../errors.js';
import { applyExtension, extensionFunctions } from '../values/extension-functions.js';
import { isJsonObject, type Json, type JsonObject, readMembers, readText, toValue } from '../values/json.js';
import { isName } from '../values/name.js';
import { shown } from '../values/quote.js';
import { CedarRecord, CedarSet, typeOf } from '../values/value.js';
import { attributeOf, hasAttribute } from './attributes.js';
import { type Compiled, constant, isTrue, nestingMax, type Run } from './compiled.js';
import { Pattern } from './like.js';
import { binaryOperators, entity, isIn, unaryOperators } from './operators.js';

/**
 * An expression of Cedar's JSON policy format as a function. Throws {@link CedarError} for what is none, or
 * has a slot, which only a policy's head can have.
 */
export function compile(json: Json | undefined, depth = 0): Compiled {
  if (depth > nestingMax) throw new CedarError(`expected expressions at most ${nestingMax} deep`);
  return compileOne(json, (inner) => compile(inner, depth + 1));
}

const compiled = new WeakMap<JsonObject, Compiled>();

/** A part of an expression that was compiled before: each is made into a function of its own once. */
export function compiledOf(json: Json): Compiled {
  if (!isJsonObject(json)) return compile(json);
  const known = compiled.get(json);
  if (known) return known;
  const made = compileOne(json, compiledOf);
  compiled.set(json, made);
  return made;
}

type Inner = (expression: Json) => Compiled;

function compileOne(json: Json | undefined, inner: Inner): Compiled {
  const [operator, operand] = single(json);
  const special = specialForms.get(operator);
  if (special) return special(operand, inner);
  const unary = unaryOperators.get(operator);
  if (unary) {
    const arg = inner(readMembers(operand, quotedOperator(operator), ['arg']).arg);
    return folded([arg], (environment) => unary(arg.run(environment)));
  }
  const binary = binaryOperators.get(operator);
  if (binary) {
    const [left, right] = sides(operator, operand, inner);
    const needsEntities = operator === 'in' || operator === 'hasTag' || operator === 'getTag';
    const run: Run = (environment) => binary(left.run(environment), right.run(environment), environment);
    return needsEntities ? { run } : folded([left, right], run);
  }
  return extension(operator, operand, inner);
}

const quotedOperator = (operator: string): string => `\`${operator}\``;

function sides(operator: string, operand: Json, inner: Inner): readonly [Compiled, Compiled] {
  const { left, right } = readMembers(operand, quotedOperator(operator), ['left', 'right']);
  return [inner(left), inner(right)];
}

/** The one operator of an expression, and what it is applied to. */
export function single(json: Json | undefined): readonly [string, Json] {
  const [entry, ...others] = isJsonObject(json) ? Object.entries(json) : [];
  if (!entry || others.length > 0) throw new CedarError('expected an expression: an object with one operator');
  return entry;
}

/** The expressions right inside another. */
export function innerOf(json: Json): readonly Json[] {
  const [operator, operand] = single(json);
  if (operator === 'Value' || operator === 'Var') return [];
  if (Array.isArray(operand)) return operand as readonly Json[];
  if (!isJsonObject(operand)) return [];
  return operator === 'Record' ? Object.values(operand) : ['left', 'right', 'arg', 'if', 'then', 'else', 'in'].flatMap((name) => operand[name] ?? []);
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
  ['Slot', () => { throw new CedarError('expected no slot in a condition: only heads have them'); }],
  ['&&', (operand, inner) => both(...sides('&&', operand, inner))],
  ['||', (operand, inner) => either(...sides('||', operand, inner))],
  ['if-then-else', conditional],
  ['.', attribute],
  ['has', has],
  ['like', like],
  ['is', is],
  ['Set', set],
  ['Record', record],
]);

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

const both = (left: Compiled, right: Compiled): Compiled => ({ run: (environment) => isTrue(left.run(environment)) && isTrue(right.run(environment)) });

const either = (left: Compiled, right: Compiled): Compiled => ({ run: (environment) => isTrue(left.run(environment)) || isTrue(right.run(environment)) });

function conditional(operand: Json, inner: Inner): Compiled {
  const members = readMembers(operand, '`if-then-else`', ['if', 'then', 'else']);
  const [condition, then, otherwise] = [inner(members.if), inner(members.then), inner(members.else)];
  return { run: (environment) => (isTrue(condition.run(environment)) ? then : otherwise).run(environment) };
}

function attribute(operand: Json, inner: Inner): Compiled {
  const { left, attr } = readMembers(operand, '`.`', ['left', 'attr']);
  return attributeOf(inner(left), readText(attr));
}

function has(operand: Json, inner: Inner): Compiled {
  const { left, attr } = readMembers(operand, '`has`', ['left', 'attr']);
  return hasAttribute(inner(left), attr);
}

function like(operand: Json, inner: Inner): Compiled {
  const members = readMembers(operand, '`like`', ['left', 'pattern']);
  const left = inner(members.left);
  const pattern = Pattern.fromJson(members.pattern);
  return {
    run: (environment) => {
      const value = left.run(environment);
      if (typeof value === 'string') return pattern.matches(value);
      throw typeError('string', typeOf(value));
    },
  };
}

function is(operand: Json, inner: Inner): Compiled {
  const members = readMembers(operand, '`is`', ['left', 'entity_type'], ['in']);
  const left = inner(members.left);
  const type = readText(members.entity_type);
  if (!isName(type)) throw new CedarError(`expected \`is\` with the name of a type, got \`${shown(type)}\``);
  const group = members.in === undefined ? undefined : inner(members.in);
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
  const members = Object.entries(operand).map(([name, value]) => [readText(name), inner(value)] as const);
  return folded(members.map(([, value]) => value), (environment) => new CedarRecord(new Map(members.map(([name, value]) => [name, value.run(environment)]))));
}

function extension(name: string, operand: Json, inner: Inner): Compiled {
  const found = extensionFunctions.get(name);
  if (!found) throw new CedarError(`expected an operator or a function of Cedar, got \`${shown(name)}\``);
  if (!Array.isArray(operand)) throw new CedarError(`expected \`${name}\` with a list of arguments`);
  const args = (operand as readonly Json[]).map(inner);
  const [first, second] = args;
  // To Cedar, a call with too many or too few arguments is a policy that cannot be evaluated, not one that is malformed.
  if (args.length !== found.arity || !first) return { run: (environment) => applyExtension(name, args.map((arg) => arg.run(environment))) };
  return folded(args, second ? (environment) => found.apply(first.run(environment), second.run(environment)) : (environment) => found.apply(first.run(environment)));
}
