import { expect, test } from 'vitest';
import type { HoldStatus } from './hold-desk.js';
import { wordsOf } from './hold-words.js';

const approved = (agreed: HoldStatus['agreed']): HoldStatus => ({ id: 'hold', state: 'approved', deadlineMs: Date.UTC(2026, 0, 1), agreed, missing: [], arrived: false });
const again = ' Now call the same tool again with exactly the same arguments: it passes once. Other arguments are a new question.';

test.each<[string, HoldStatus['agreed'], string]>([
  ['exactly what was asked', [{}, {}], '.'],
  ['an earlier end only', [{ narrow: {} }], '.'],
  ['less', [{ narrow: { caps: { amount: 2_000 } } }, {}], ', for less than was asked: `amount` at most 2000.'],
  ['the least of several', [{ narrow: { caps: { amount: 2_000, rows: 5 } } }, { narrow: { caps: { amount: 500 } } }], ', for less than was asked: `amount` at most 500, `rows` at most 5.'],
])('story: whoever asked is told that people agreed to %s', (_name, agreed, words) => {
  expect(wordsOf(approved(agreed), 'tool')).toBe(`Approved until 2026-01-01T00:00:00.000Z${words}${again}`);
});
