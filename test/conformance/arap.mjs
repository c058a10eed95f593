// npm run conformance:arap -- [URL] [--token T] [--config FILE]: the rules of the AuthZEN Access Request and Approval
// Profile that bind a decision point and an access request service, one check for each.
//
//   no argument        starts a Flyball of its own on the loopback address, and stops it in the end
//   URL                where the metadata of another product are; --token is what its enforcement point shows
//   --config FILE      a description of the product (.json or .mjs); test/arap/README.md says what is in it
//   --only ID,ID       these checks only
//   --json             the rows as JSON
import { parseArgs } from 'node:util';
import { pepRules } from '../arap/pep-rules.mjs';
import { runSuite } from '../arap/suite.mjs';
import { openTarget } from '../arap/target.mjs';
import { failed, table } from '../arap/verdicts.mjs';
import { draftOf } from '../arap/draft.mjs';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { token: { type: 'string' }, config: { type: 'string' }, only: { type: 'string' }, json: { type: 'boolean', default: false } } });
const [url] = positionals;
if (url !== undefined && values.config === undefined) throw new Error('expected --config FILE with a description of the product: which requests to make, and how to approve (test/arap/README.md)');

const target = await openTarget({ file: values.config, url, token: values.token });
let rows = [];
try {
  rows = await runSuite(target, { ...(values.only && { only: values.only.split(',') }), report: ({ id, verdict, ms }) => process.stderr.write(`${id} ${verdict} (${ms} ms)\n`) });
} finally {
  await target.stop?.();
}
if (rows.length === 0) throw new Error('nothing was checked');
const pep = pepRules.map(([section, rule]) => `PEP     ${rule}  [${section}]`).join('\n');
console.log(values.json ? JSON.stringify(rows, null, 2) : `${draftOf()} against ${target.name} at ${target.url}\n\n${table(rows)}\n\nrules that bind an enforcement point alone, and are not looked at here:\n${pep}`);
process.exitCode = failed(rows) ? 1 : 0;
