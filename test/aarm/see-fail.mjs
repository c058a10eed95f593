// node test/aarm/see-fail.mjs [WORD …]: breaks our own target in one way after another (breaks.mjs) and shows that
// the checks notice. Ends with 1 when one of them does not, or when a check is named by no way of breaking.
import { breaks } from './breaks.mjs';
import { openTarget } from './describe.mjs';
import { checks, runSuite } from './suite.mjs';
import { Upstream } from './upstream.mjs';

const wanted = process.argv.slice(2);

async function seeFail({ change, apply = (target) => target, fails }) {
  const upstream = new Upstream();
  const target = await openTarget({ upstream, change });
  try {
    return await runSuite(apply(target, upstream), upstream, { only: fails });
  } finally {
    await target.stop();
    upstream.close();
  }
}

/** Checks that have nothing to look at yet cannot fail yet. */
async function openOnes() {
  const upstream = new Upstream();
  const target = await openTarget({ upstream });
  try {
    const never = checks.filter(({ id }) => !breaks.some(({ fails }) => fails.includes(id))).map(({ id }) => id);
    return (await runSuite(target, upstream, { only: never })).filter(({ verdict }) => verdict !== 'open').map(({ id }) => id);
  } finally {
    await target.stop();
    upstream.close();
  }
}

let unnoticed = 0;
for (const way of breaks.filter(({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)))) {
  const rows = await seeFail(way);
  const missed = rows.filter(({ verdict }) => verdict !== 'fail');
  unnoticed += missed.length + (rows.length === way.fails.length ? 0 : 1);
  console.log(`${way.name}: ${rows.length - missed.length} of ${way.fails.length} notice`);
  rows.forEach(({ id, verdict, why }) => console.log(`  ${id} ${verdict}: ${why}`));
}
const never = wanted.length === 0 ? await openOnes() : [];
if (never.length > 0) console.log(`never seen to fail: ${never.join(', ')}`);
process.exitCode = unnoticed === 0 && never.length === 0 ? 0 : 1;
