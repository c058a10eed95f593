import { format, inspect } from 'node:util';
import { canonicalText } from '@flyball/protocol';
import { expect, test } from 'vitest';
import { Secret } from './secret.js';

const canary = 'canary-8f2b17';
const secret = new Secret(canary);
const tried = (run: () => unknown): string => {
  try {
    return String(run());
  } catch (error) {
    return String(error);
  }
};

test.each<[string, () => unknown]>([
  ['a template', () => `${secret as unknown as string}`],
  ['a sum', () => `${'' + (secret as unknown as string)}`],
  ['JSON', () => JSON.stringify({ secret, list: [secret] })],
  ['JSON of a spread', () => JSON.stringify({ ...secret })],
  ['canonical JSON', () => canonicalText({ secret })],
  ['inspect', () => inspect(secret)],
  ['inspect, deep and hidden', () => inspect({ a: { b: { secret } } }, { depth: null, showHidden: true, getters: true })],
  ['inspect without custom printers', () => inspect(secret, { customInspect: false, showHidden: true, getters: true, depth: null })],
  ['format', () => ['%s', '%o', '%O', '%j', '%d', '%i'].map((form) => format(form, secret)).join()],
  ['an error', () => new Error(`failed with ${String(secret)}`, { cause: secret }).message],
  ['an error with a cause, printed', () => inspect(new Error('failed', { cause: { secret } }))],
  ['a copy', () => inspect(structuredClone(secret), { showHidden: true, customInspect: false })],
  ['its members', () => [...Object.keys(secret), ...(Object.values(secret) as unknown[]), ...Object.getOwnPropertyNames(secret), ...Reflect.ownKeys(secret)].join()],
  ['a key', () => Object.keys({ [String(secret)]: 1 }).join()],
  ['a date, a number, a locale', () => [Number(secret), secret.toLocaleString(), new Date(secret as unknown as string)].map(String).join()],
])('abuse 50: a secret is not in %s', (_name, print) => {
  expect(tried(print)).not.toContain(canary);
});

test('story: the one way to a secret is to ask for it', () => {
  expect(secret.reveal()).toBe(canary);
  expect([secret.equals(canary), secret.equals(`${canary} `), secret.equals(''), new Secret('').equals('')]).toEqual([true, false, false, true]);
});
