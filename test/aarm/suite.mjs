import { checks as r1 } from './checks/r1-interception.mjs';
import { checks as r2 } from './checks/r2-context.mjs';
import { checks as r3 } from './checks/r3-policy.mjs';
import { checks as r4 } from './checks/r4-decisions.mjs';
import { checks as r5 } from './checks/r5-receipts.mjs';
import { checks as r6 } from './checks/r6-identity.mjs';
import { checks as recommended } from './checks/r7-r9-recommended.mjs';
import { Failed, Open, World } from './world.mjs';

export const checks = [...r1, ...r2, ...r3, ...r4, ...r5, ...r6, ...recommended];
const checkMs = 90_000;

/** Runs the checks one after the other against a target; each with what came of it. */
export async function runSuite(target, upstream, { only = checks.map(({ id }) => id), report = () => undefined } = {}) {
  const world = new World(target, upstream);
  const rows = [];
  for (const check of checks.filter(({ id }) => only.includes(id))) {
    const began = Date.now();
    const { id, level, from, what } = check;
    const row = { id, level, from, what, ...(await verdictOf(check, world)), ms: Date.now() - began };
    report(row);
    rows.push(row);
  }
  await world.disconnect();
  return rows;
}

async function verdictOf({ run }, world) {
  let timer;
  const late = new Promise((_done, fail) => (timer = setTimeout(() => fail(new Failed(`not done after ${checkMs} ms`)), checkMs)));
  try {
    await Promise.race([run(world), late]);
    return { verdict: 'pass', why: '' };
  } catch (error) {
    if (error instanceof Open) return { verdict: 'open', why: error.message };
    return { verdict: 'fail', why: error instanceof Failed ? error.message : `${error.name}: ${error.message}` };
  } finally {
    clearTimeout(timer);
  }
}
