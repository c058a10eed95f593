// What a check can come to, how checks are run one after the other, and how the rows are shown.
import { equal, eventually, expect, Failed, Open, pause } from '../aarm/world.mjs';

export { equal, eventually, expect, Failed, Open, pause };

/** The specification leaves it open whether a product has this part, and this one has not. */
export class NotApplicable extends Error {}

const checkMs = 180_000;
const verdicts = ['pass', 'fail', 'differs', 'open', 'n/a'];

/** Runs the checks one after the other; each with what came of it. */
export async function runChecks(checks, world, { only, report = () => undefined } = {}) {
  const rows = [];
  for (const { id, section, level, what, run } of checks.filter((check) => only === undefined || only.includes(check.id))) {
    const began = Date.now();
    const row = { id, section, level, what, ...(await verdictOf(run, world)), ms: Date.now() - began };
    report(row);
    rows.push(row);
  }
  return rows;
}

async function verdictOf(run, world) {
  let timer;
  const late = new Promise((_done, fail) => (timer = setTimeout(() => fail(new Failed(`not done after ${checkMs} ms`)), checkMs)));
  try {
    await Promise.race([run(world), late]);
    return { verdict: 'pass', why: '' };
  } catch (error) {
    if (error instanceof Open) return { verdict: 'open', why: error.message };
    if (error instanceof NotApplicable) return { verdict: 'n/a', why: error.message };
    return { verdict: 'fail', why: error instanceof Failed ? error.message : `${error.name}: ${error.message}${error.cause ? ` (${error.cause.message})` : ''}` };
  } finally {
    clearTimeout(timer);
  }
}

/** The rows as a table for reading, and what they add up to. */
export function table(rows) {
  const width = Math.max(...rows.map(({ id }) => id.length));
  const lines = rows.map(({ id, section, level, what, verdict, why }) => [`${id.padEnd(width)}  ${level.padEnd(6)}  ${verdict.padEnd(4)}  ${what}  [${section}]`, ...(why === '' ? [] : [`${' '.repeat(width + 16)}${why}`])].join('\n'));
  const totals = verdicts.map((verdict) => `${rows.filter((row) => row.verdict === verdict).length} ${verdict}`).join(', ');
  return [`${'id'.padEnd(width)}  level   said`, ...lines, '', `${rows.length} checks: ${totals}`].join('\n');
}

export const failed = (rows) => rows.some(({ verdict }) => verdict === 'fail');
