import { expect, test } from 'vitest';
import { Memo } from './memo.js';

test('makes a value once for each text, and does not remember what threw', () => {
  const memo = new Memo<number>(10);
  let made = 0;
  expect(memo.of('a', () => ++made)).toBe(1);
  expect(memo.of('a', () => ++made)).toBe(1);
  expect(memo.of('b', () => ++made)).toBe(2);
  expect(() => memo.of('c', () => { throw new Error('no'); })).toThrow('no');
  expect(memo.of('c', () => ++made)).toBe(3);
});

test('attack: a stranger who sends ever new texts makes it forget, and not grow', () => {
  const memo = new Memo<object>(3);
  const first = memo.of('0', () => ({}));
  for (let index = 1; index < 3; index++) memo.of(String(index), () => ({}));
  expect(memo.of('0', () => ({}))).toBe(first);
  memo.of('3', () => ({}));
  expect(memo.of('0', () => ({}))).not.toBe(first);
});
