// npm run conformance:aarm -- [TARGET.mjs | TARGET.json] [http://URL]: the verifications of AARM 1.0 against a gateway.
//
//   no argument        starts a Flyball of its own on the loopback address, and stops it in the end
//   TARGET             a description of another gateway; README.md says what is in it
//   URL                where the described gateway is reached, when not where the description says
//   --only ID,ID       these checks only
//   --json             the rows as JSON
import { parseArgs } from 'node:util';
import { openTarget } from './describe.mjs';
import { runSuite } from './suite.mjs';
import { table } from './table.mjs';
import { Upstream } from './upstream.mjs';
import { failed } from './verdicts.mjs';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' }, json: { type: 'boolean', default: false } } });
const url = positionals.find((word) => /^https?:/.test(word));
const file = positionals.find((word) => word !== url);

const upstream = new Upstream();
let target;
let rows = [];
try {
  target = await openTarget({ file, url, upstream });
  rows = await runSuite(target, upstream, { ...(values.only && { only: values.only.split(',') }), report: ({ id, verdict, ms }) => process.stderr.write(`${id} ${verdict} (${ms} ms)\n`) });
} finally {
  await target?.stop?.();
  upstream.close();
}
if (rows.length === 0) throw new Error('nothing was checked');
console.log(values.json ? JSON.stringify(rows, null, 2) : `AARM 1.0 against ${target.name} at ${target.url}\n\n${table(rows)}`);
process.exitCode = failed(rows) ? 1 : 0;
