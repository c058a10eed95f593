import { runChecks } from '../arap/verdicts.mjs';
import { checks } from './checks.mjs';
import { World } from './world.mjs';

export { checks };

/** A check that the product is known to answer otherwise, with its reason, is shown as such and is no failure. */
export async function runSuite(target, upstream, options) {
  const rows = await runChecks(checks, new World(target, upstream), options);
  return rows.map((row) => (row.verdict === 'fail' && target.differs?.[row.id] ? { ...row, verdict: 'differs', why: `${target.differs[row.id]} (${row.why})` } : row));
}
