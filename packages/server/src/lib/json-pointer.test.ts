import { expect, test } from 'vitest';
import { pointerTokens, valueAt } from './json-pointer.js';

/** The example of RFC 6901, section 5. */
const document = { foo: ['bar', 'baz'], '': 0, 'a/b': 1, 'c%d': 2, 'e^f': 3, 'g|h': 4, 'i\\j': 5, 'k"l': 6, ' ': 7, 'm~n': 8 };

test.each<[string, unknown]>([['', document], ['/foo', ['bar', 'baz']], ['/foo/0', 'bar'], ['/', 0], ['/a~1b', 1], ['/c%d', 2], ['/e^f', 3], ['/g|h', 4], ['/i\\j', 5], ['/k"l', 6], ['/ ', 7], ['/m~0n', 8]])('story: %j', (pointer, expected) => {
  expect(valueAt(document, pointer)).toEqual(expected);
});

test.each(['/nothing', '/foo/2', '/foo/-', '/foo/00', '/foo/01', '/foo/length', '/foo/-1', '/foo/1e0', '/constructor', '/__proto__', '/foo/constructor', '/foo/0/length', '/toString/name', '/~01'])('abuse 19: %j leads nowhere', (pointer) => {
  expect(valueAt(document, pointer)).toBeUndefined();
});

test.each(['foo', 'foo/0', '/a~b', '/a~2', '/~', '#/foo'])('attack: %j is no pointer', (pointer) => {
  expect(pointerTokens(pointer)).toBeUndefined();
});
