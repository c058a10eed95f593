import { FlyballError, isObject, type Json, type JsonObject } from '@flyball/protocol';
import type { DecisionInputs, Resource } from '../../action/states.js';
import { awaitedFacts } from '../gathered-facts.js';
import { toDecimal } from '../types.js';

/**
 * What a Rego rule sees as `input`: the recorded inputs of a decision as plain JSON, for one of its resources.
 *
 * Cedar's escapes become what Rego people expect: a decimal is a number (text would sort after every number,
 * and so be "more" than any limit); an address and an entity are text; a time `x` is RFC 3339 text in UTC, always
 * of one width, so that text comparison is comparison in time, and `x_ms` beside it milliseconds since 1970; a
 * length of time `x` is `x_ms`. Arguments are those of the call, exactly. What Cedar's temporal clauses said is
 * left out: their names are given anew with each bundle. `missing_facts` are those that providers were asked for in vain. Throws `internal` for arguments that
 * are not all there: a rule could take a missing one for one that was not given.
 */
export function regoInput(inputs: DecisionInputs, resource: Resource, actionGroups: readonly string[]): JsonObject {
  const { unrepresented, args, temporal: _cedars, ...context } = inputs.context;
  if (Array.isArray(unrepresented) && unrepresented.length > 0 && inputs.args === undefined) throw new FlyballError('internal', 'expected every argument, but some were not recorded for Rego');
  const { id, groups, attributes } = inputs.principal;
  return {
    principal: { ...(isObject(attributes) ? plainMembers(attributes) : {}), id, groups },
    action: { name: inputs.action, groups: actionGroups },
    resource: { type: resource.type, id: resource.id },
    resources: inputs.resources.map(({ type, id: name }) => ({ type, id: name })),
    // A rule cannot ask about what is not there without taking it for absent; here it can tell.
    context: { ...plainMembers(context), ...(inputs.facts && { missing_facts: [...awaitedFacts(inputs)].sort() }), args: inputs.args ?? plain(args ?? {}) },
  };
}

function plain(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(plain);
  if (!isObject(value)) return value;
  const entity = value['__entity'];
  if (isObject(entity)) return `${String(entity['type'])}::${JSON.stringify(entity['id'])}`;
  const [, text] = extensionOf(value) ?? [];
  return text === undefined ? plainMembers(value) : text;
}

/** Members of a record; what they would be called beside themselves never takes the place of a member of that name. */
function plainMembers(record: JsonObject): JsonObject {
  const derived: [string, Json][] = [];
  const own: [string, Json][] = [];
  for (const [name, value] of Object.entries(record)) {
    if (value === undefined) continue;
    const [fn, read] = extensionOf(value) ?? [];
    if (fn === 'duration' && read !== undefined) derived.push([`${name}_ms`, read]);
    else own.push([name, plain(value)]);
    if (fn === 'datetime') derived.push([`${name}_ms`, Date.parse(String(read))]);
  }
  return Object.fromEntries([...derived, ...own]);
}

/** An extension value's function and its value in plain JSON; nothing for what is no extension value. */
function extensionOf(value: Json): readonly [string, Json] | undefined {
  const extension = isObject(value) ? value['__extn'] : undefined;
  if (!isObject(extension)) return undefined;
  const [fn, arg] = [String(extension['fn']), String(extension['arg'])];
  switch (fn) {
    case 'decimal':
      return [fn, decimal(arg)];
    case 'datetime':
      return [fn, new Date(instant(arg)).toISOString()];
    case 'duration':
      return [fn, milliseconds(arg)];
    default:
      return [fn, arg];
  }
}

/** Exactly the number that the text is: one that a double cannot carry would be another one in the rule. */
function decimal(text: string): number {
  const [whole = '', fraction = ''] = text.split('.');
  if (toDecimal(Number(text)) !== `${whole}.${fraction.padEnd(4, '0')}`) throw new FlyballError('internal', 'expected a decimal that JSON carries exactly');
  return Number(text);
}

function instant(text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new FlyballError('internal', 'expected a time');
  return ms;
}

const lengths: readonly (readonly [number, number])[] = [[1, 86_400_000], [2, 3_600_000], [3, 60_000], [4, 1_000], [5, 1]];

function milliseconds(text: string): number {
  const match = /^-?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?$/.exec(text);
  const ms = lengths.reduce((sum, [group, each]) => sum + Number(match?.[group] ?? 0) * each, 0);
  if (!match || !Number.isSafeInteger(ms)) throw new FlyballError('internal', 'expected a length of time');
  return text.startsWith('-') ? -ms : ms;
}
