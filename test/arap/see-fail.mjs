// node test/arap/see-fail.mjs [WORD …]: breaks the reference in one way after another (breaks.mjs) and shows that the
// checks notice. Ends with 1 when one of them does not, when a check is named by no way of breaking, or when the
// reference as it is does not pass.
import { breaks as requestBreaks, obligationBreaks } from './breaks.mjs';
import { checks as obligationChecks } from './obligations.mjs';
import { createReference } from './reference/server.mjs';
import { checks as requestChecks } from './suite.mjs';
import { runChecks } from './verdicts.mjs';
import { World } from './world.mjs';

const breaks = [...requestBreaks, ...obligationBreaks];
const checks = [...requestChecks, ...obligationChecks];
const wanted = process.argv.slice(2);
const json = wanted.includes('--json');
const words = wanted.filter((word) => word !== '--json');
const chosen = breaks.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));

async function rowsOf(options, only) {
  const target = await createReference(options);
  try {
    return await runChecks(checks, new World(target), { only });
  } finally {
    await target.stop();
  }
}

const whole = (await rowsOf({})).filter(({ verdict }) => verdict !== 'pass');
whole.forEach(({ id, verdict, why }) => console.log(`unbroken, ${id} is ${verdict}: ${why}`));
let unnoticed = 0;
const lines = [];
for (const { name, fails, ...options } of chosen) {
  const rows = await rowsOf(options, fails);
  const missed = fails.filter((id) => rows.find((row) => row.id === id)?.verdict !== 'fail');
  unnoticed += missed.length;
  lines.push({ name, fails, missed });
  if (!json) console.log(`${name}: ${fails.length - missed.length} of ${fails.length} notice${missed.length > 0 ? `; not ${missed.join(', ')}` : ''}`);
}
const never = words.length > 0 ? [] : checks.map(({ id }) => id).filter((id) => !breaks.some(({ fails }) => fails.includes(id)));
if (never.length > 0) console.log(`never seen to fail: ${never.join(', ')}`);
if (json) console.log(JSON.stringify({ lines, never, unbroken: whole }));
else console.log(`${chosen.length} ways of breaking, ${checks.length} checks, ${unnoticed} not noticed`);
process.exitCode = unnoticed + never.length + whole.length === 0 ? 0 : 1;
