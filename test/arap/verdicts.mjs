// What a check can come to, how checks are run one after the other, and how the rows are shown.
import { runChecks as run } from '../aarm/verdicts.mjs';
import { Open } from '../aarm/world.mjs';

export { failed } from '../aarm/verdicts.mjs';
export { equal, eventually, expect, Failed, Open, pause } from '../aarm/world.mjs';

/** The specification leaves it open whether a product has this part, and this one has not. */
export class NotApplicable extends Open {
  verdict = 'n/a';
}

const checkMs = 180_000;
const verdicts = ['pass', 'fail', 'differs', 'open', 'n/a'];

export const runChecks = (checks, world, options) => run(checks, world, { checkMs, ...options });

/** The rows as a table for reading, and what they add up to. */
export function table(rows) {
  const width = Math.max(...rows.map(({ id }) => id.length));
  const lines = rows.map(({ id, section, level, what, verdict, why }) => [`${id.padEnd(width)}  ${level.padEnd(6)}  ${verdict.padEnd(4)}  ${what}  [${section}]`, ...(why === '' ? [] : [`${' '.repeat(width + 16)}${why}`])].join('\n'));
  const totals = verdicts.map((verdict) => `${rows.filter((row) => row.verdict === verdict).length} ${verdict}`).join(', ');
  return [`${'id'.padEnd(width)}  level   said`, ...lines, '', `${rows.length} checks: ${totals}`].join('\n');
}
