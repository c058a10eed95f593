// node test/aarm/see-fail.mjs [WORD …]: breaks our own target in one way after another (breaks.mjs) and shows that
// the checks notice. Ends with 1 when one of them does not, or when a check is named by no way of breaking.
import { breaks } from './breaks.mjs';
import { openTarget } from './describe.mjs';
import { checks, runSuite } from './suite.mjs';
import { Upstream } from './upstream.mjs';

const wanted = process.argv.slice(2);

/** Opens our own target, uses it, and stops it. */
async function withTarget(change, use) {
  const upstream = new Upstream();
  const target = await openTarget({ upstream, change });
  try {
    return await use(target, upstream);
  } finally {
    await target.stop();
    upstream.close();
  }
}

async function seeFail({ name, apply = (target) => target, fails }, target, upstream) {
  const rows = await runSuite(apply(target, upstream), upstream, { only: fails });
  const missed = rows.filter(({ verdict }) => verdict !== 'fail');
  console.log(`${name}: ${rows.length - missed.length} of ${fails.length} notice`);
  rows.forEach(({ id, verdict, why }) => console.log(`  ${id} ${verdict}: ${why}`));
  return missed.length + fails.length - rows.length;
}

const chosen = breaks.filter(({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)));
let unnoticed = 0;
for (const way of chosen.filter(({ change }) => change)) unnoticed += await withTarget(way.change, (target, upstream) => seeFail(way, target, upstream));

// What only the description says can be broken without another installation.
const described = chosen.filter(({ change }) => !change);
const never = await withTarget(undefined, async (target, upstream) => {
  for (const way of described) unnoticed += await seeFail(way, target, upstream);
  const unnamed = checks.filter(({ id }) => !breaks.some(({ fails }) => fails.includes(id))).map(({ id }) => id);
  // A check that has nothing to look at yet cannot fail yet.
  return (await runSuite(target, upstream, { only: unnamed })).filter(({ verdict }) => verdict !== 'open').map(({ id }) => id);
});
if (never.length > 0) console.log(`never seen to fail: ${never.join(', ')}`);
process.exitCode = unnoticed === 0 && never.length === 0 ? 0 : 1;
