// npm run conformance:obligations -- [URL] [--token T] [--config FILE]: the rules of the AuthZEN Profile for Obligations
// that bind a decision point. Products are described as for conformance:arap, with the case `obliged`.
import { parseArgs } from 'node:util';
import { checks } from '../arap/obligations.mjs';
import { openTarget } from '../arap/target.mjs';
import { failed, runChecks, table } from '../arap/verdicts.mjs';
import { World } from '../arap/world.mjs';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { token: { type: 'string' }, config: { type: 'string' }, only: { type: 'string' }, json: { type: 'boolean', default: false } } });
const [url] = positionals;
if (url !== undefined && values.config === undefined) throw new Error('expected --config FILE with a description of the product (test/arap/README.md)');

const target = await openTarget({ file: values.config, url, token: values.token });
let rows = [];
try {
  rows = await runChecks(checks, new World(target), { ...(values.only && { only: values.only.split(',') }) });
} finally {
  await target.stop?.();
}
if (rows.length === 0) throw new Error('nothing was checked');
console.log(values.json ? JSON.stringify(rows, null, 2) : `authzen-obligations-profile-1_0, Draft 1, against ${target.name} at ${target.url}\n\n${table(rows)}\n\nwhat an enforcement point does with obligations is not looked at here`);
process.exitCode = failed(rows) ? 1 : 0;
