import { isJsonObject, type Json, type JsonObject, readUid } from '../values/json.js';
import { isIdentifier } from '../values/name.js';
import { dotted } from './attributes.js';
import { compile, single } from './compile.js';
import { Pattern } from './like.js';
import { quoted } from '../values/quote.js';

/** How tightly an expression holds together, from `if` to what stands by itself. */
const tightness = { condition: 0, or: 1, and: 2, relation: 3, sum: 4, product: 5, unary: 6, member: 7, primary: 8 } as const;
type Tightness = (typeof tightness)[keyof typeof tightness];

const infix: Readonly<Record<string, Tightness>> = { '||': tightness.or, '&&': tightness.and, '==': 3, '!=': 3, '<': 3, '<=': 3, '>': 3, '>=': 3, in: 3, '+': tightness.sum, '-': tightness.sum, '*': tightness.product };
const methods = new Set(['contains', 'containsAll', 'containsAny', 'getTag', 'hasTag']);
const constructors = new Set(['ip', 'decimal', 'datetime', 'duration']);

/** An expression of the JSON policy format as Cedar text. Throws {@link CedarError} for what is none. */
export function printExpression(json: Json): string {
  compile(json);
  return print(json, tightness.condition);
}

function print(json: Json, least: Tightness): string {
  const [text, own] = printed(json);
  return own < least ? `(${text})` : text;
}

const printAny = (json: Json): string => print(json, tightness.condition);

type Operand = Readonly<Record<string, Json>>;

function printed(json: Json): readonly [string, Tightness] {
  const [operator, operand] = single(json);
  const parts = (isJsonObject(operand) ? operand : {}) as Operand;
  const part = (name: string, least: Tightness) => print(parts[name] ?? null, least);
  const level = infix[operator];
  // A sum or a product may begin with another one; a relation may not.
  if (level !== undefined) return [`${part('left', level === tightness.relation ? tightness.sum : level)} ${operator} ${part('right', (level + 1) as Tightness)}`, level];
  if (methods.has(operator)) return [`${part('left', tightness.member)}.${operator}(${part('right', tightness.condition)})`, tightness.member];
  switch (operator) {
    case 'Value':
      return printValue(operand);
    case 'Var':
      return [String(operand), tightness.primary];
    case '!':
      return [`!${part('arg', tightness.member)}`, tightness.unary];
    case 'neg':
      return [`-${part('arg', tightness.member)}`, tightness.unary];
    case 'isEmpty':
      return [`${part('arg', tightness.member)}.isEmpty()`, tightness.member];
    case '.':
      return [part('left', tightness.member) + dotted(String(parts['attr'])), tightness.member];
    case 'has':
      return printHas(parts);
    case 'like':
      return [`${part('left', tightness.sum)} like ${Pattern.fromJson(parts['pattern']).toString()}`, tightness.relation];
    case 'is':
      return [`${part('left', tightness.sum)} is ${String(parts['entity_type'])}${parts['in'] === undefined ? '' : ` in ${part('in', tightness.sum)}`}`, tightness.relation];
    case 'if-then-else':
      return [`if ${part('if', tightness.condition)} then ${part('then', tightness.condition)} else ${part('else', tightness.condition)}`, tightness.condition];
    case 'Set':
      return [`[${(operand as readonly Json[]).map(printAny).join(', ')}]`, tightness.primary];
    case 'Record':
      return [`{ ${Object.entries(parts).map(([name, value]) => `${quoted(name)}: ${printAny(value)}`).join(', ')} }`, tightness.primary];
    default:
      return printCall(operator, operand as readonly Json[]);
  }
}

function printHas({ left, attr }: Operand): readonly [string, Tightness] {
  const names = (Array.isArray(attr) ? attr : [attr]) as readonly string[];
  const owner = print(left ?? null, tightness.sum);
  if (names.length === 1 || names.every(isIdentifier)) return [`${owner} has ${names.length > 1 || isIdentifier(names[0] ?? '') ? names.join('.') : quoted(names[0] ?? '')}`, tightness.relation];
  const within = print(left ?? null, tightness.member);
  return [names.map((name, index) => `${within}${names.slice(0, index).map(dotted).join('')} has ${quoted(name)}`).join(' && '), tightness.and];
}

function printCall(name: string, args: readonly Json[]): readonly [string, Tightness] {
  const [first, ...rest] = args;
  const list = (items: readonly Json[]) => items.map(printAny).join(', ');
  if (constructors.has(name) || first === undefined) return [`${name}(${list(args)})`, tightness.member];
  return [`${print(first, tightness.member)}.${name}(${list(rest)})`, tightness.member];
}

function printValue(json: Json): readonly [string, Tightness] {
  if (typeof json === 'string') return [quoted(json), tightness.primary];
  if (typeof json === 'number' || typeof json === 'bigint') return [String(json), json < 0 ? tightness.unary : tightness.primary];
  if (Array.isArray(json)) return [`[${(json as readonly Json[]).map((item) => printValue(item)[0]).join(', ')}]`, tightness.primary];
  if (!isJsonObject(json)) return [String(json), tightness.primary];
  // An escape stands alone; beside other members its name is a name like any other.
  const { __entity: entity, __extn: call }: JsonObject = Object.keys(json).length === 1 ? json : {};
  if (entity !== undefined) return [String(readUid(entity)), tightness.primary];
  if (isJsonObject(call)) return printCall(String(call['fn']), (Array.isArray(call['args']) ? (call['args'] as readonly Json[]) : [call['arg'] ?? null]).map((arg) => ({ Value: arg })));
  return [`{ ${Object.entries(json).map(([name, value]) => `${quoted(name)}: ${printValue(value)[0]}`).join(', ')} }`, tightness.primary];
}
