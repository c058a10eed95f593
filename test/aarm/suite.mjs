import { checks as r1 } from './checks/r1-interception.mjs';
import { checks as r2 } from './checks/r2-context.mjs';
import { checks as r3 } from './checks/r3-policy.mjs';
import { checks as r4 } from './checks/r4-decisions.mjs';
import { checks as r5 } from './checks/r5-receipts.mjs';
import { checks as r6 } from './checks/r6-identity.mjs';
import { checks as recommended } from './checks/r7-r9-recommended.mjs';
import { runChecks } from './verdicts.mjs';
import { World } from './world.mjs';

export const checks = [...r1, ...r2, ...r3, ...r4, ...r5, ...r6, ...recommended];
const checkMs = 90_000;

/** Runs the checks against a target. */
export async function runSuite(target, upstream, options) {
  const world = new World(target, upstream);
  const rows = await runChecks(checks, world, { checkMs, ...options });
  await world.disconnect();
  return rows;
}
