// How checks are run, one after the other, and what each can come to.
import { Failed, Open } from './world.mjs';

/** Runs the checks; each row is what the check says of itself, and what came of it. */
export async function runChecks(checks, world, { checkMs, only, report = () => undefined }) {
  const rows = [];
  for (const { run, ...about } of checks.filter(({ id }) => only === undefined || only.includes(id))) {
    const began = Date.now();
    const row = { ...about, ...(await verdictOf(run, world, checkMs)), ms: Date.now() - began };
    report(row);
    rows.push(row);
  }
  return rows;
}

async function verdictOf(run, world, checkMs) {
  let timer;
  const late = new Promise((_done, fail) => (timer = setTimeout(() => fail(new Failed(`not done after ${checkMs} ms`)), checkMs)));
  try {
    await Promise.race([run(world), late]);
    return { verdict: 'pass', why: '' };
  } catch (error) {
    if (error instanceof Open) return { verdict: error.verdict, why: error.message };
    return { verdict: 'fail', why: error instanceof Failed ? error.message : `${error.name}: ${error.message}${error.cause ? ` (${error.cause.message})` : ''}` };
  } finally {
    clearTimeout(timer);
  }
}

export const failed = (rows) => rows.some(({ verdict }) => verdict === 'fail');
