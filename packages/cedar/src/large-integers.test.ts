import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cedar } from '../../../test/support/cedar-kit.js';
import { CedarError } from './errors.js';
import { safeText } from './large-integers.js';
import type { Json } from './values/json.js';

const policy = (condition: string) => `permit(principal, action, resource) when { ${condition} };`;

/** Every integer of a policy's condition as the reference engine's parser has it, with the large ones put back. */
function integersOf(text: string): readonly (number | bigint)[] {
  const safe = safeText(text);
  expect(safe.text.length).toBe(text.length);
  const parsed = cedar.policyToJson(safe.text);
  if (parsed.type !== 'success') throw new Error(parsed.errors.map(({ message }) => message).join());
  const found: (number | bigint)[] = [];
  const visit = (json: Json): void => {
    if (typeof json === 'number' || typeof json === 'bigint') found.push(json);
    else if (typeof json === 'object' && json !== null) Object.values(json as Readonly<Record<string, Json>>).forEach(visit);
  };
  visit(safe.restore(parsed.json as unknown as Json));
  return found;
}

const edge = 2n ** 53n;
const magnitude = fc.oneof(fc.bigInt(0n, 2n ** 63n - 1n), fc.bigInt(edge - 40n, edge + 40n), fc.constantFrom(0n, 1n, edge - 1n, edge, edge + 1n, 2n ** 63n - 1n));

test('law: every integer of a policy is exact after parsing, wherever it stands and whatever stands beside it', () => {
  const written = fc.tuple(magnitude, fc.boolean(), fc.nat(3)).map(([size, negative, zeros]) => ({ text: `${negative ? '-' : ''}${'0'.repeat(zeros)}${size}`, exact: negative ? -size : size }));
  fc.assert(fc.property(fc.array(written, { minLength: 1, maxLength: 12 }), magnitude, (integers, quoted) => {
    const text = policy(`"${quoted} \\" ${quoted}" != "//" && // ${quoted}\n[${integers.map((one) => one.text).join(', ')}].isEmpty()`);
    expect(integersOf(text)).toEqual(integers.map(({ exact }) => (Number.isSafeInteger(Number(exact)) ? Number(exact) : exact)));
    expect(safeText(text).text.includes(`"${quoted} \\" ${quoted}"`)).toBe(true);
    // Not thousands: Node 20 then recompiles the reference engine's glue and has been seen to end with a fatal error of its own.
  }), { numRuns: 300 });
});

test('law: the least and the greatest integer survive, one beyond is refused by the parser', () => {
  expect(integersOf(policy('[-9223372036854775808, 9223372036854775807].isEmpty()'))).toEqual([-(2n ** 63n), 2n ** 63n - 1n]);
  for (const beyond of ['9223372036854775809', '-9223372036854775809', '99999999999999999999999999']) expect(cedar.policyToJson(safeText(policy(`[${beyond}].isEmpty()`)).text).type).toBe('failure');
});

test('law: a text without large integers is the same text, whatever it is', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
    expect(safeText(text).text).toBe(text);
  }));
});

const taken = Array.from({ length: 50_000 }, (_, index) => String(edge - 1n - BigInt(index))).join(' ');

test.each<[string, string]>([
  ['large integers', Array.from({ length: 50_000 }, (_, index) => `92233720368${10_000_000 + index}`).join(' ')],
  ['integers that are where the others would go', `${taken} ${'9223372036854775807 '.repeat(1_000)}`],
  ['quotes with a backslash and no end', `"${'\\"'.repeat(1 << 19)}`],
  ['quotes', '"'.repeat(1 << 20)],
  ['a string without an end', `"${'a'.repeat(10 << 20)}`],
  ['a string with an end', `"${'\\n'.repeat(5 << 20)}" 9223372036854775807`],
  ['backslashes', '\\'.repeat(1 << 20)],
  ['slashes', '/'.repeat(1 << 20)],
  ['digits', '9'.repeat(1 << 20)],
  ['zeros', '0'.repeat(1 << 20)],
  ['letters', 'a'.repeat(1 << 20)],
])('attack: megabytes of %s take no more than a moment and keep their length', (_name, text) => {
  const began = performance.now();
  expect(safeText(text).text.length).toBe(text.length);
  expect(performance.now() - began).toBeLessThan(5_000);
});

test('attack: integers that are where the others would go stay what they are', () => {
  const text = policy(`[9007199254740991, 0009007199254740990, 9223372036854775807, 9007199254740989, 9007199254740993].isEmpty() || "9007199254740988" == "9007199254740987" // 9007199254740986\n`);
  expect(integersOf(text)).toEqual([9007199254740991, 9007199254740990, 9223372036854775807n, 9007199254740989, 9007199254740993n]);
});

test('abuse 18: a policy parsed deeper than any that is taken is refused, not by running out of stack', () => {
  const { restore } = safeText('9223372036854775807');
  let deep: Json = 1;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  expect(() => restore(deep)).toThrow(CedarError);
});
