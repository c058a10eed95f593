// npm run conformance:coaz -- [TARGET.mjs]: the rules of the COAZ framework and of its MCP binding that bind an
// enforcement point, one check for each, against an MCP gateway.
//
//   no argument        starts a Flyball of its own on the loopback address, and stops it in the end
//   TARGET.mjs         a description of another gateway; test/coaz/README.md says what is in it
//   --only ID,ID       these checks only
//   --json             the rows as JSON
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { failed, table } from '../arap/verdicts.mjs';
import { runSuite } from '../coaz/suite.mjs';
import { Upstream } from '../coaz/upstream.mjs';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { only: { type: 'string' }, json: { type: 'boolean', default: false } } });
const own = new URL('../coaz/flyball.mjs', import.meta.url).href;
const { createTarget, upstreamPort } = await import(positionals[0] ? pathToFileURL(resolve(positionals[0])).href : own);
const upstream = await new Upstream().listen(upstreamPort?.());
let rows = [];
let target;
try {
  target = await createTarget({ upstream });
  rows = await runSuite(target, upstream, { ...(values.only && { only: values.only.split(',') }), report: ({ id, verdict, ms }) => process.stderr.write(`${id} ${verdict} (${ms} ms)\n`) });
} finally {
  await target?.stop?.();
  upstream.close();
}
if (rows.length === 0) throw new Error('nothing was checked');
console.log(values.json ? JSON.stringify(rows, null, 2) : `authzen-coaz-framework-1_0, Draft 1, and authzen-coaz-mcp-binding-1_0, Draft 1, against ${target.name} at ${target.url}\n\n${table(rows)}`);
process.exitCode = failed(rows) ? 1 : 0;
