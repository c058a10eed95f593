import type { JsonObject } from '@flyball/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refusal } from '../../../../test/support/identity-kit.js';
import { type Attempt, compile, decided, decisionOn } from '../../../../test/support/policy-kit.js';
import { type ArgumentType, argumentType, encode, toDecimal } from './types.js';

const permit = '@id("all") permit (principal, action, resource);';
const admins = '@id("admins") permit (principal in Group::"admins", action, resource);';
const named = (name: string) => `${permit}@id("no") forbid (principal, action == Action::"shell.run", resource) when { context.args.command == "${name}" };`;

describe('what an argument may not become', () => {
  const hidden: readonly JsonObject[] = [
    { __entity: { type: 'Group', id: 'admins' } },
    { __extn: { fn: 'decimal', arg: '1.0' } },
    { __extn: { fn: 'unknown', arg: 'x' } },
    { __expr: 'true' },
    { __entity: { type: 'Identity', id: 'root' }, other: 1 },
    { type: 'Group', id: 'admins' },
  ];

  test.each(hidden)('attack: %j is no entity and no extension, in whatever place it stands', async (value) => {
    const bundle = compile(`${permit}@id("no") forbid (principal, action, resource) when { context.unrepresented.contains("__entity") };`);
    for (const args of [{ amount: 5, choice: value }, { amount: 5, options: value }, { amount: value }, { amount: 5, tags: [value] }, { amount: 5, ...value }]) {
      const attempt: Attempt = { args: args as JsonObject, call: { tool: { name: 'pay', digest: 'd', accepted: true, definition: {} } } };
      const { inputs } = await decided(bundle, attempt);
      const seen = JSON.stringify((inputs.context as { args: unknown }).args);
      expect(seen.replace(/\{"__extn":\{"fn":"decimal","arg":"5\.0000"\}\}/, '')).not.toMatch(/__e/);
    }
  });

  test('attack: such an argument is refused by the tool\'s own schema before anything runs', async () => {
    for (const value of hidden) expect(await refusal(decided(compile(permit), { args: { amount: value } }))).toMatch(/^request_malformed: the arguments do not fit/);
  });

  test('abuse 19: `__proto__`, `constructor` and their like give nobody a group, a capability or an attribute', async () => {
    const args = JSON.parse('{"command":"ls","__proto__":{"admin":true,"groups":["admins"]},"constructor":{"prototype":{"admin":true}}}') as JsonObject;
    expect(await refusal(decided(compile(permit), { tool: 'run', args }))).toMatch(/^request_malformed/);
    const open = { name: 'run', digest: 'd', accepted: true, definition: {} };
    expect(await decisionOn(admins, { tool: 'run', args, call: { tool: open } })).toMatchObject({ outcome: 'deny', kind: 'no_permit' });
    expect(({} as { admin?: unknown }).admin).toBeUndefined();
  });

  test.each(['rm', 'r"m', 'r\\m', 'rm" || true || "', '\u0000', '*', '🦊'])('abuse 21: the text %j is itself and nothing else', async (text) => {
    const escaped = text.replace(/["\\]/g, '\\$&').replace('\u0000', '\\0');
    expect(await decisionOn(named(escaped), { tool: 'run', args: { command: text } })).toMatchObject({ outcome: 'deny' });
    expect(await decisionOn(named(escaped), { tool: 'run', args: { command: `${text} ` } })).toMatchObject({ outcome: 'allow' });
  });

  test('abuse 21: a `*` in an argument or a resource is a letter, also where the policy has a pattern', async () => {
    const pattern = `${permit}@id("no") forbid (principal, action == Action::"shell.run", resource) when { context.args.command like "rm \\*" };`;
    expect(await decisionOn(pattern, { tool: 'run', args: { command: 'rm x' } })).toMatchObject({ outcome: 'allow' });
    expect(await decisionOn(pattern, { tool: 'run', args: { command: 'rm *' } })).toMatchObject({ outcome: 'deny' });
    const one = '@id("one") permit (principal, action, resource == Resource::"object/b");@id("r") permit (principal, action, resource == Resource::"object/a");';
    for (const destination of ['*', 'b*', '?', '%', '+', 'B', 'b/', './b', 'b\u0000', 'x/../b']) expect(await decisionOn(one, { tool: 'copy', args: { source: 'a', destination } })).toMatchObject({ outcome: 'deny' });
  });

  test('attack: a resource cannot be told another type by what is in its id', async () => {
    const secret = '@id("s") permit (principal, action, resource) when { resource.kind == "object" && resource.name == "public" };';
    expect(await decisionOn(secret, { tool: 'copy', args: { source: 'public', destination: 'public' } })).toMatchObject({ outcome: 'allow' });
    for (const destination of ['object/public', '"public', 'public"::Resource::"x', 'public\u0000x']) expect(await decisionOn(secret, { tool: 'copy', args: { source: 'public', destination } })).toMatchObject({ outcome: 'deny' });
  });

  test('attack: half a character in a name nobody can check stops the attempt', async () => {
    expect(await refusal(decided(compile(permit), { principal: { onBehalfOf: 'a\ud800' } }))).not.toBe('accepted');
  });
});

describe('paths', () => {
  const read = (uri: string): Attempt => ({ tool: '', call: { method: 'resources/read', name: uri, params: { uri }, args: {} } });
  const policies = '@id("public") permit (principal, action == Action::"resources/read", resource) when { resource.name like "file:///public/*" };@id("no") forbid (principal, action == Action::"resources/read", resource) when { resource.name like "file:///public/secret/*" };';
  const answer = async (uri: string) => {
    try {
      return (await decided(compile(policies), read(uri))).decision.outcome;
    } catch (error) {
      return (error as { code?: string }).code;
    }
  };

  test('story: a path that is written plainly is decided as it stands', async () => {
    expect(await answer('file:///public/a.txt')).toBe('allow');
    expect(await answer('file:///public/secret/a.txt')).toBe('deny');
  });

  test.each(['file:///public/../etc/passwd', 'file:///public/./secret/a.txt', 'file:///public/%2e%2e/etc/passwd', 'file:///public/.%2E/etc/passwd', 'file:///public/%2e/secret/a.txt', 'file:///public/%73ecret/a.txt', 'file:///public//secret/a.txt', 'file:///public/x/../secret/a.txt', 'file:///public/%252e%252e/etc/passwd', 'file:///public\\..\\etc/passwd', 'file:///public/secret;x/../secret/a.txt', 'file:///public/..;/etc/passwd', 'file:///public/\u0000/../../etc'])('abuse 20: %j reaches nothing that its plain form does not', async (uri) => {
    expect(await answer(uri)).not.toBe('allow');
  });
});

describe('laws of the encoding', () => {
  const type = argumentType({ type: 'object', properties: { s: { type: 'string' }, n: { type: 'number' }, i: { type: 'integer' }, b: { type: 'boolean' }, l: { type: 'array', items: { type: 'number' } }, o: { type: 'object', properties: { s: { type: 'string' } } } } });
  if (type === undefined) throw new Error('expected a type');

  test('law: every member of the arguments is either seen exactly or named as left out', () => {
    const names = fc.constantFrom('s', 'n', 'i', 'b', 'l', 'o', '__entity', '__extn', '__proto__', 'x', 'toString');
    fc.assert(
      fc.property(fc.array(fc.tuple(names, fc.jsonValue({ maxDepth: 3 }))), (entries) => {
        const args = Object.fromEntries(entries) as JsonObject;
        const { value, left } = encode(args, type, '');
        const seen = Object.keys(value as object);
        for (const name of Object.keys(args)) expect(seen.includes(name) || left.some((path) => path === name || path.startsWith(`${name}.`) || path.startsWith(`${name}[`))).toBe(true);
        expect(seen.every((name) => Object.hasOwn(args, name) && !name.startsWith('__'))).toBe(true);
      }),
    );
  });

  test('attack: as many members as a request can carry, none of them declared, are named and make no fault', () => {
    const many = Object.fromEntries(Array.from({ length: 300_000 }, (_, n) => [`m${n}`, 1]));
    expect(encode({ o: many }, type, '').left).toHaveLength(300_000);
  });

  test('law: a decimal is exactly the number it was made from, or there is none', () => {
    fc.assert(fc.property(fc.oneof(fc.double(), fc.integer(), fc.integer({ min: -1e9, max: 1e9 }).map((n) => n / 10_000)), (number) => {
      const text = toDecimal(number);
      return text === undefined ? !Number.isFinite(number) || Math.abs(number) >= 922_337_203_685_477 || Number(number.toFixed(4)) !== number : Number(text) === number && /^-?\d+\.\d{4}$/.test(text);
    }));
  });

  test.each<[number, string | undefined]>([[0, '0.0000'], [-0, '0.0000'], [0.1, '0.1000'], [1.005, '1.0050'], [-1.5, '-1.5000'], [0.000_05, undefined], [0.1 + 0.2, undefined], [1e21, undefined], [NaN, undefined], [Infinity, undefined], [922_337_203_685_476, '922337203685476.0000'], [922_337_203_685_478, undefined]])('story: %d is the decimal %j', (number, expected) => {
    expect(toDecimal(number)).toBe(expected);
  });

  test.each<[unknown, ArgumentType | undefined]>([[{ type: ['string', 'null'] }, undefined], [{ anyOf: [{ type: 'string' }] }, undefined], [{ $ref: '#' }, undefined], [{}, undefined], [true, undefined], [null, undefined], [{ type: 'constructor' }, undefined], [{ type: 'array' }, undefined], [{ type: 'object' }, { kind: 'record', attributes: {} }], [{ type: 'object', properties: { __entity: { type: 'string' }, a: { type: 'string' } } }, { kind: 'record', attributes: { a: { type: { kind: 'string' }, required: false } } }]])('story: the schema %j has the type %j', (schema, expected) => {
    expect(argumentType(schema as JsonObject)).toEqual(expected);
  });
});
