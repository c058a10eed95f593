import type { Entry, JsonObject } from '@flyball/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { visible } from '../lib/visible.js';
import { previewOf } from './preview.js';
import type { HoldBody, Question } from './question.js';

const body: HoldBody = { session: 's', digest: 'sha256:d', question: 'q', identity: 'robot', chain: [], action: 'pay', tier: 'act', upstream: 'bank', method: 'tools/call', decision: { outcome: 'step_up', approvals: [], facts: [] } };
const question = (asked: Partial<NonNullable<Question['asked']>> | undefined, over: Partial<HoldBody> = {}): Question => ({ entry: { at: 0, deadline: 1_000 } as Entry, body: { ...body, ...over }, stream: 's', version: 1, hold: undefined, asked: asked && { target: 'pay', args: {}, resources: [], ...asked } });
const shown = (args: JsonObject, over?: Partial<HoldBody>) => previewOf(question({ args }, over), { onBehalfOf: undefined });

describe('abuse 38', () => {
  test.each<[string, string, string]>([
    ['a direction that is turned round', 'pay \u202Etixe', '\\u{202E}'],
    ['an isolate', 'a\u2066b', '\\u{2066}'],
    ['nothing to be seen, of no width', 'pay\u200Bpal', '\\u{200B}'],
    ['a joiner', 'a\u200Db', '\\u{200D}'],
    ['a grapheme joiner', 'a\u034Fb', '\\u{034F}'],
    ['a variation', 'a\uFE0Fb', '\\u{FE0F}'],
    ['a variation of the supplement', 'a\u{E0101}b', '\\u{E0101}'],
    ['a tag', 'a\u{E0041}b', '\\u{E0041}'],
    ['a byte order mark', '\uFEFFa', '\\u{FEFF}'],
    ['a soft hyphen', 'a\u00ADb', '\\u{00AD}'],
    ['a Hangul filler', 'a\u3164b', '\\u{3164}'],
    ['a blank that is wider', 'a\u2003b', '\\u{2003}'],
    ['a blank that does not break', 'a\u00A0b', '\\u{00A0}'],
    ['a Braille blank', 'a\u2800b', '\\u{2800}'],
    ['a terminal\'s command', '\u001B[2J', '\\u{001B}'],
    ['one of the other kind', '\u009B2J', '\\u{009B}'],
    ['a line of its own', 'x\u2028target: safe', '\\u{2028}'],
    ['marks over marks', `a${'\u0301'.repeat(9)}`, '\\u{0301}'],
    ['somebody\'s own characters', 'a\uE000b', '\\u{E000}'],
  ])('abuse 38: %s is shown as what it is, in the target and in the arguments', (_name, text, expected) => {
    const both = previewOf(question({ target: text, args: { note: text } }), { onBehalfOf: text }).text;
    expect(both.split(expected).length).toBeGreaterThanOrEqual(3);
  });

  test('abuse 38: no text adds a line, and none looks like another one', () => {
    const lines = shown({}).text.split('\n').length;
    fc.assert(fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (left, right) => {
      const texts = [left, right].map((note) => previewOf(question({ target: note, args: { note } }), { onBehalfOf: undefined }));
      expect(texts[0]?.text.split('\n').length).toBe(lines);
      return left === right || texts[0]?.text !== texts[1]?.text;
    }), { numRuns: 300 });
  });

  test('abuse 38: a text that is written like what stands for an unseen character is another text', () => {
    expect(visible('\\u{202E}')).not.toBe(visible('\u202E'));
    expect(shown({ note: '\\u{202E}' }).text).not.toBe(shown({ note: '\u202E' }).text);
  });

  test('abuse 38: Markdown and HTML stay the characters that they are', () => {
    expect(shown({ note: '<b onclick=x>**ok**</b>' }).text).toContain('<b onclick=x>**ok**</b>');
  });

  test('abuse 38: a megabyte is not shown in part as if it were the whole', () => {
    const { text, shortened } = shown({ note: 'x'.repeat(1_000_000) });
    expect([shortened, text.length < 70_000, text.includes('too much to be seen')]).toEqual([true, true, true]);
    expect(shown({ note: 'é'.repeat(40_000) }).shortened).toBe(true);
  });

  test('attack: erased arguments are said to be, and cannot be agreed to', () => {
    const { text, shortened } = previewOf(question(undefined), { onBehalfOf: undefined });
    expect([shortened, text.includes('arguments: (erased)')]).toEqual([true, true]);
  });

  test('story: what is changed, who it is for and through whom is part of what is seen', () => {
    const { text } = previewOf(question({ args: { amount: 5 } }, { chain: ['broker'], decision: { ...body.decision, modification: { caps: { amount: 3 }, sets: {}, redact: [] } } }), { onBehalfOf: 'ann' });
    for (const part of ['on behalf of: ann', 'through: broker', 'arguments: {"amount":5}', 'changed to: {"caps":{"amount":3}']) expect(text).toContain(part);
  });

  test('law: the same question is the same text and digest; any other argument is another', () => {
    expect(shown({ b: 1, a: 2 })).toEqual(shown({ a: 2, b: 1 }));
    expect(shown({ a: 2 }).digest).not.toBe(shown({ a: 3 }).digest);
  });
});
