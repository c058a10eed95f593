import { lowerTemporal, parseTemporal, TemporalError, TemporalMonitor } from '@flyball/cedar';
import { describe, expect, test } from 'vitest';
import { inFull, readLine } from '../../../../test/support/trace-kit.js';
import { faultsOf } from './acceptance.js';

const pay = inFull('Pay.req{}');
const most = 10_000;

/** Reads a clause, checks it and asks it: what is said of it, or that it has an answer. */
function said(text: string): string {
  const beganMs = performance.now();
  try {
    const condition = parseTemporal(text);
    const faults = faultsOf(condition, Number.MAX_SAFE_INTEGER);
    const monitor = new TemporalMonitor([{ name: 'c', condition }]);
    const line = readLine('1 Pay user=ann');
    monitor.ask(monitor.newHistory(), line, line.present);
    return faults.length > 0 ? 'faults' : 'answered';
  } catch (error) {
    if (!(error instanceof TemporalError)) throw error;
    expect(error.start).toBeLessThanOrEqual(text.length);
    expect(error.message.length).toBeLessThan(300);
    return error.message;
  } finally {
    expect(performance.now() - beganMs).toBeLessThan(most);
  }
}

const field = (value: string) => `App::Action::"Pay"::request{ input.user: ${value} }`;

describe('abuse 18: what is too much is refused, or answered soon', () => {
  test.each<readonly [name: string, text: string, expected: string]>([
    ['ten thousand conjunctions', Array(10_000).fill(pay).join(' && '), 'expected a clause of at most'],
    ['as many as there may be', Array(500).fill(pay).join(' && '), 'answered'],
    ['one more', Array(501).fill(pay).join(' && '), 'expected a clause of at most 500 conditions'],
    ['ten thousand comparisons', Array(9_999).fill('1<2').join('&&'), 'expected a clause of at most'],
    ['ten thousand negations', '!'.repeat(9_000) + pay, 'expected conditions at most 32 deep'],
    ['a million negations', '!'.repeat(1_000_000) + pay, 'expected a clause of at most 10000 words'],
    ['deep parentheses', '('.repeat(4_000) + pay + ')'.repeat(4_000), 'expected conditions at most 32 deep'],
    ['a million open parentheses', '('.repeat(1_000_000), 'expected a clause of at most 10000 words'],
    ['deep parentheses around a value', `1 < ${'('.repeat(9_000)}1`, 'no other value stands in parentheses'],
    ['aggregates within aggregates', `${'1 < count for (t: Timepoint). where '.repeat(600)}tp(t)`, 'expected conditions at most 32 deep'],
    ['windows within windows', `${'formerly within 1h ('.repeat(1_500)}${pay}`, 'expected conditions at most 32 deep'],
    ['names within names', `${'exists (u: String). '.repeat(1_000)}${pay}`, 'expected conditions at most 32 deep'],
    ['macros within macros', `${'bind(n, count_within(1h, '.repeat(1_000)}${pay}`, 'expected conditions at most 32 deep'],
    ['chains of since', Array(300).fill(pay).join(' since within 1h '), 'parentheses around one `since`'],
    ['a hundred and seventy thousand fields', `App::Action::"Pay"::request{${Array(170_000).fill('a:1').join()}}`, 'expected a clause of at most 10000 words'],
    ['two thousand fields', `App::Action::"Pay"::request{${Array(2_400).fill('a:1').join()}}`, 'answered'],
    ['two thousand free variables', `App::Action::"Pay"::request{${Array.from({ length: 2_400 }, (_, index) => `a:v${index}`).join()}}`, 'faults'],
    ['a long type', `${'A::'.repeat(3_000)}Action::"Pay"::request{}`, 'answered'],
    ['a megabyte in a text', field(`"${'x'.repeat(1_000_000)}"`), 'answered'],
    ['a megabyte of escapes', field(`"${'\\n'.repeat(500_000)}"`), 'answered'],
    ['a megabyte of escaped quotes without an end', field(`"${'\\"'.repeat(500_000)}`), 'expected a text that ends with `"`'],
    ['a megabyte of space', `${' \n'.repeat(500_000)}${pay}`, 'answered'],
    ['a megabyte of comments', `${'// }\n'.repeat(200_000)}${pay}`, 'answered'],
    ['a megabyte of one word', `${'formerly'.repeat(125_000)}`, 'expected a comparison, got the end'],
    ['a megabyte of an unexpected text', `${pay} "${'x'.repeat(1_000_000)}"`, 'expected the end, got'],
    ['a megabyte of digits', `n == ${'9'.repeat(1_000_000)}`, 'expected an integer of 64 bits'],
    ['a megabyte of digits as a window', `formerly within ${'9'.repeat(1_000_000)}h ${pay}`, 'expected a window that fits into 64 bits'],
    ['a window as long as can be', `formerly within 9007199254740s ${pay}`, 'answered'],
    ['a window that is a second longer', `formerly within 9007199254741s ${pay}`, 'expected a window that fits into 64 bits'],
    ['an integer beyond 64 bits', field('9223372036854775808'), 'expected an integer of 64 bits'],
    ['an integer beyond 64 bits below', field('-9223372036854775809'), 'expected an integer of 64 bits'],
  ])('%s', (_name, text, expected) => {
    expect(said(text)).toContain(expected);
  });
});

describe('attack: what looks like a word is none, and its number is said', () => {
  test.each<readonly [name: string, text: string, expected: string]>([
    ['a Cyrillic letter in an operator', `formerl\u0443 within 1h ${pay}`, 'got `\u0443` (U+0443)'],
    ['wide ampersands', `${pay} \uff06\uff06 ${pay}`, '(U+FF06)'],
    ['typographic quotes', field('\u201cann\u201d'), '(U+201C)'],
    ['a colon that is none', pay.replace('::', '\u2236\u2236'), '(U+2236)'],
    ['an exclamation mark that is none', `\uff01${pay}`, '(U+FF01)'],
    ['other digits', `formerly within \u0661h ${pay}`, '(U+0661)'],
    ['a letter beyond 16 bits', `\u{1d41f}ormerly within 1h ${pay}`, '(U+1D41F)'],
    ['a space without width', `formerly\u200b within 1h ${pay}`, 'got U+200B'],
    ['a mark that turns the direction', `${pay} \u202e`, 'got U+202E'],
    ['NUL', `${pay}\0`, 'got U+0000'],
    ['NUL in a word', `for\0merly within 1h ${pay}`, 'got U+0000'],
    ['half a pair', `${pay}\ud800`, 'got U+D800'],
    ['NUL in a text is part of it', field('"a\0"'), 'answered'],
  ])('%s', (_name, text, expected) => {
    expect(said(text)).toContain(expected);
  });
});

describe('attack: a policy of a megabyte is read soon', () => {
  test.each<readonly [name: string, policy: string]>([
    ['quotes that do not end', '"\\'.repeat(500_000)],
    ['quotes that do not end, in a block', `temporal {${'"\\'.repeat(500_000)}`],
    ['the word', 'temporal '.repeat(110_000)],
    ['the word and space', `temporal${' '.repeat(1_000_000)}`],
    ['the word and open braces', 'temporal {'.repeat(100_000)],
    ['open braces', `temporal ${'{'.repeat(1_000_000)}`],
    ['blocks', `temporal {${pay}}`.repeat(30_000)],
    ['empty blocks', 'temporal {}'.repeat(90_000)],
    ['blocks of many lines', `temporal {\n\n\n\n${pay}\n\n}\n`.repeat(20_000)],
    ['comments', '// temporal {\n'.repeat(70_000)],
    ['slashes', '/'.repeat(1_000_000)],
  ])('%s', (_name, policy) => {
    const beganMs = performance.now();
    const { text, clauses, faults } = lowerTemporal(policy, (ordinal) => `t${ordinal}`);
    expect(performance.now() - beganMs).toBeLessThan(most);
    expect(text.length + clauses.length + faults.length).toBeGreaterThan(0);
  });
});
