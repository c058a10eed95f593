import { type Json, type JsonObject, printExpression, quoted } from '@flyball/cedar';

/** Numbers that follow from a seed (mulberry32): the same seed, the same world. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface World {
  readonly policies: Readonly<Record<string, { readonly text: string; readonly json: JsonObject }>>;
  readonly entities: readonly JsonObject[];
  readonly requests: readonly { readonly principal: JsonObject; readonly action: JsonObject; readonly resource: JsonObject; readonly context: JsonObject }[];
}

const types = ['bool', 'long', 'string', 'set', 'record', 'entity', 'decimal', 'ip', 'datetime', 'duration'] as const;
type Type = (typeof types)[number];

const attributes: Readonly<Record<string, Type>> = { flag: 'bool', n: 'long', m: 'long', s: 'string', labels: 'set', rec: 'record', owner: 'entity', amount: 'decimal', addr: 'ip', at: 'datetime', age: 'duration', 'odd name': 'long' };
const names = Object.keys(attributes);
const longs = [0, 1, -1, 2, 7, 100, 4_294_967_296, 9_007_199_254_740_991, 9_007_199_254_740_993n, 9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n, -9_223_372_036_854_775_807n];
const safeLongs = [0, 1, -1, 2, 7, 100, 4_294_967_296, 9_007_199_254_740_991, -9_007_199_254_740_991];
const strings = ['', 'a', 'ab', 'abcab', 'a*b', 'line\nbreak', 'é😀', '"quoted\\"', 'pii'];
const decimals = ['0.0', '1.0', '-1.5', '12.3456', '922337203685477.5807', '-922337203685477.5808', '0.0001'];
const ips = ['127.0.0.1', '10.0.0.0/8', '10.1.2.3', '10.1.2.3/16', '224.0.0.1', '224.0.0.0/3', '::1', 'ff00::/8', 'ff00::1', '2001:db8::/32', '2001:db8::1', '0.0.0.0/0', '::/0', '127.0.0.1/1'];
const datetimes = ['1970-01-01', '2026-11-22T10:30:00Z', '2026-11-22T10:30:00.250+0530', '1969-12-31T23:59:59.999Z', '0000-01-01', '9999-12-31T23:59:59-2359'];
const durations = ['0ms', '1d2h3m4s5ms', '-1h', '90m', '-9223372036854775808ms', '9223372036854775807ms', '24h'];
const brokenTexts = ['', '1', '1.23456', '1.', '999999999999999.0', '256.0.0.1', '01.2.3.4', '::1::', '1.2.3.4/33', '2026-13-01', '2026-02-29', '2026-11-22T24:00:00Z', '1h1d', '-', '5', '1d1d', '::ffff:1.2.3.4', '2001:db8::1/129', '12345::', '9223372036854775808ms'];
const entityIds = ['User::ann', 'User::bob', 'Group::staff', 'Group::admins', 'Group::all', 'Doc::plan', 'Doc::diary', 'Folder::root', 'User::ghost'];
const actionIds = ['read', 'write', 'inspect', 'act'];

/** A world of policies, entities and requests, mostly of fitting types, that only the random numbers determine. */
export function makeWorld(random: () => number, requests: number): World {
  const generator = new Generator(random);
  const policies = Object.fromEntries(Array.from({ length: 1 + generator.below(7) }, (_, index) => [`p${index}`, generator.policy()]));
  return { policies, entities: generator.entities(), requests: Array.from({ length: requests }, () => generator.request()) };
}

const uid = (name: string): JsonObject => {
  const [type = '', id = ''] = name.split('::');
  return { type, id };
};

class Generator {
  constructor(private readonly random: () => number) {}

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  #chance(probability: number): boolean {
    return this.random() < probability;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  #some<T>(most: number, make: () => T): T[] {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  /** A value for data. The oracle reads JSON numbers only, so large integers stay within 2^53 here. */
  #value(type: Type, depth = 0): Json {
    switch (type) {
      case 'bool':
        return this.#chance(0.5);
      case 'long':
        return this.#pick(safeLongs);
      case 'string':
        return this.#pick(strings);
      case 'set':
        return this.#some(3, () => this.#value(depth > 1 ? 'string' : this.#chance(0.6) ? 'string' : this.#pick(types), depth + 1));
      case 'record':
        return this.#record(depth + 1, 0.5);
      case 'entity':
        return { __entity: uid(this.#pick(entityIds)) };
      default:
        return { __extn: { fn: type, arg: this.#textOf(type) } };
    }
  }

  #textOf(type: 'decimal' | 'ip' | 'datetime' | 'duration'): string {
    return this.#pick({ decimal: decimals, ip: ips, datetime: datetimes, duration: durations }[type]);
  }

  #record(depth: number, share: number): JsonObject {
    const present = names.filter(() => this.#chance(depth > 2 ? 0.1 : share));
    return Object.fromEntries(present.map((name) => [name, this.#value(this.#chance(0.95) ? (attributes[name] as Type) : this.#pick(types), depth)]));
  }

  entities(): readonly JsonObject[] {
    const parents: Readonly<Record<string, readonly string[]>> = { 'User::ann': ['Group::staff', 'Group::admins'], 'User::bob': ['Group::staff'], 'Group::staff': ['Group::all'], 'Group::admins': ['Group::all', 'Group::staff'], 'Doc::plan': ['Folder::root'], 'Doc::diary': ['Folder::root', 'User::ann'] };
    const known = entityIds.filter((name) => name !== 'User::ghost' && this.#chance(0.9));
    const own = known.map((name) => ({ uid: uid(name), attrs: this.#record(0, 0.7), parents: (parents[name] ?? []).filter(() => this.#chance(0.8)).map(uid), ...(this.#chance(0.5) && { tags: Object.fromEntries(this.#some(2, () => [this.#pick(strings), this.#value(this.#pick(types))])) }) }));
    const actions = ['read', 'write'].map((id) => ({ uid: { type: 'Action', id }, attrs: {}, parents: [{ type: 'Action', id: id === 'read' ? 'inspect' : 'act' }] }));
    return [...own, ...actions];
  }

  request(): World['requests'][number] {
    return { principal: uid(this.#pick(['User::ann', 'User::bob', 'User::ghost'])), action: { type: 'Action', id: this.#pick(['read', 'write']) }, resource: uid(this.#pick(['Doc::plan', 'Doc::diary'])), context: this.#record(0, 0.7) };
  }

  policy(): { readonly text: string; readonly json: JsonObject } {
    const effect = this.#chance(0.5) ? 'permit' : 'forbid';
    const [principal, action, resource] = [this.#constraint('User', ['User::ann', 'Group::staff', 'Group::all']), this.#actionConstraint(), this.#constraint('Doc', ['Doc::plan', 'Folder::root', 'User::ann'])];
    const conditions = this.#some(2, () => ({ kind: this.#chance(0.75) ? 'when' : 'unless', body: this.#expression('bool', 4) }));
    const heads = [printConstraint('principal', principal), printConstraint('action', action), printConstraint('resource', resource)];
    const text = `${effect} (${heads.join(', ')})${conditions.map(({ kind, body }) => ` ${kind} { ${printExpression(body)} }`).join('')};`;
    return { text, json: { effect, principal, action, resource, conditions } };
  }

  #constraint(type: string, named: readonly string[]): JsonObject {
    const entity = uid(this.#pick(named));
    return this.#pick<JsonObject>([{ op: 'All' }, { op: 'All' }, { op: '==', entity }, { op: 'in', entity }, { op: 'is', entity_type: this.#chance(0.8) ? type : 'Group' }, { op: 'is', entity_type: type, in: { entity } }]);
  }

  #actionConstraint(): JsonObject {
    const entities = this.#some(3, () => ({ type: 'Action', id: this.#pick(actionIds) }));
    return this.#pick<JsonObject>([{ op: 'All' }, { op: '==', entity: { type: 'Action', id: this.#pick(actionIds) } }, { op: 'in', entity: { type: 'Action', id: this.#pick(actionIds) } }, { op: 'in', entities }]);
  }

  #expression(wanted: Type, depth: number): JsonObject {
    const type = this.#chance(0.97) ? wanted : this.#pick(types);
    if (depth <= 0 || this.#chance(0.15)) return this.#leaf(type);
    const sub = (inner: Type) => this.#expression(inner, depth - 1);
    if (this.#chance(0.08)) return { 'if-then-else': { if: sub('bool'), then: sub(type), else: sub(type) } };
    if (this.#chance(0.15)) return this.#attribute(type, sub);
    if (this.#chance(0.03)) return { getTag: { left: sub('entity'), right: sub('string') } };
    switch (type) {
      case 'bool':
        return this.#boolean(sub);
      case 'long':
        return this.#pick<() => JsonObject>([() => ({ [this.#pick(['+', '-', '*'])]: { left: sub('long'), right: sub('long') } }), () => ({ neg: { arg: sub('long') } }), () => ({ [this.#pick(['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'])]: [sub('duration')] })])();
      case 'set':
        return { Set: this.#some(3, () => sub(this.#chance(0.7) ? 'string' : this.#pick(types))) };
      case 'record':
        return { Record: Object.fromEntries(this.#some(3, () => this.#pick(names)).map((name) => [name, sub(attributes[name] as Type)])) };
      case 'datetime':
        return this.#chance(0.5) ? { offset: [sub('datetime'), sub('duration')] } : { toDate: [sub('datetime')] };
      case 'duration':
        return this.#chance(0.5) ? { durationSince: [sub('datetime'), sub('datetime')] } : { toTime: [sub('datetime')] };
      default:
        return this.#leaf(type);
    }
  }

  #attribute(type: Type, sub: (inner: Type) => JsonObject): JsonObject {
    const fitting = names.filter((name) => attributes[name] === type);
    const attr = fitting.length > 0 ? this.#pick(fitting) : this.#pick(names);
    const left = this.#chance(0.6) ? { Var: this.#pick(['context', 'context', 'principal', 'resource']) } : sub(this.#chance(0.5) ? 'record' : 'entity');
    return { '.': { left, attr } };
  }

  #boolean(sub: (inner: Type) => JsonObject): JsonObject {
    const two = (operator: string, left: Type, right = left) => ({ [operator]: { left: sub(left), right: sub(right) } });
    const any = this.#pick(types);
    return this.#pick<() => JsonObject>([
      () => two('&&', 'bool'),
      () => two('||', 'bool'),
      () => ({ '!': { arg: sub('bool') } }),
      () => two(this.#pick(['==', '!=']), any),
      () => two(this.#pick(['<', '<=', '>', '>=']), this.#pick(['long', 'long', 'datetime', 'duration'])),
      () => two('in', 'entity', this.#chance(0.7) ? 'entity' : 'set'),
      () => ({ in: { left: sub('entity'), right: { Set: this.#some(3, () => sub('entity')) } } }),
      () => two('contains', 'set', this.#chance(0.7) ? 'string' : any),
      () => two(this.#pick(['containsAll', 'containsAny']), 'set'),
      () => ({ isEmpty: { arg: sub('set') } }),
      () => two('hasTag', 'entity', 'string'),
      () => ({ has: { left: this.#chance(0.6) ? { Var: this.#pick(['context', 'principal', 'resource']) } : sub('record'), attr: this.#chance(0.7) ? this.#pick(names) : ['rec', this.#pick(names.filter((name) => name !== 'odd name'))] } }),
      () => ({ like: { left: sub('string'), pattern: this.#some(4, () => (this.#chance(0.5) ? 'Wildcard' : { Literal: this.#pick(['a', 'b', 'ab', '*', 'é', '"']) })) } }),
      () => ({ is: { left: sub('entity'), entity_type: this.#pick(['User', 'Group', 'Doc']), ...(this.#chance(0.3) && { in: sub('entity') }) } }),
      () => ({ [this.#pick(['lessThan', 'lessThanOrEqual', 'greaterThan', 'greaterThanOrEqual'])]: [sub('decimal'), sub('decimal')] }),
      () => ({ [this.#pick(['isIpv4', 'isIpv6', 'isLoopback', 'isMulticast'])]: [sub('ip')] }),
      () => ({ isInRange: [sub('ip'), sub('ip')] }),
    ])();
  }

  #leaf(type: Type): JsonObject {
    if (this.#chance(0.3)) return this.#attribute(type, () => ({ Var: 'principal' }));
    switch (type) {
      case 'bool':
        return { Value: this.#chance(0.5) };
      case 'long':
        return { Value: this.#pick(longs) };
      case 'string':
        return { Value: this.#pick(strings) };
      case 'entity':
        return this.#chance(0.5) ? { Var: this.#pick(['principal', 'resource', 'action']) } : { Value: { __entity: uid(this.#pick(entityIds)) } };
      case 'set':
        return { Set: this.#some(3, () => ({ Value: this.#pick(strings) })) };
      case 'record':
        return this.#chance(0.5) ? { Var: 'context' } : { Record: {} };
      default:
        return { [type]: [{ Value: this.#chance(0.93) ? this.#textOf(type) : this.#pick(brokenTexts) }] };
    }
  }
}

function printConstraint(name: string, constraint: JsonObject): string {
  const entity = (json: Json | undefined) => `${(json as { type: string }).type}::${quoted((json as { id: string }).id)}`;
  switch (constraint['op']) {
    case '==':
      return `${name} == ${entity(constraint['entity'])}`;
    case 'in':
      return `${name} in ${Array.isArray(constraint['entities']) ? `[${(constraint['entities'] as readonly Json[]).map(entity).join(', ')}]` : entity(constraint['entity'])}`;
    case 'is':
      return `${name} is ${String(constraint['entity_type'])}${constraint['in'] === undefined ? '' : ` in ${entity((constraint['in'] as JsonObject)['entity'])}`}`;
    default:
      return name;
  }
}
