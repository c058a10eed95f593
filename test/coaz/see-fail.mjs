// node test/coaz/see-fail.mjs: puts our own target into wrong words in one way after another, and shows that the checks
// notice. Ends with 1 when one of them does not, or when a check is named by no way of breaking.
import { runChecks } from '../arap/verdicts.mjs';
import { checks } from './checks.mjs';
import { createTarget } from './flyball.mjs';
import { Upstream } from './upstream.mjs';
import { World } from './world.mjs';

const ids = (...parts) => checks.map(({ id }) => id).filter((id) => parts.some((part) => (part.endsWith('.') ? id.startsWith(part) : id === part)));
const answer = (change) => ({ tamper: (given) => ({ ...given, body: given.body && change(structuredClone(given.body)) }) });

/** What is changed in the description, and who has to notice. */
const breaks = [
  ['the gateway is left out', (_target, upstream) => ({ url: upstream.url }), ids('F1', 'F2', 'F3', 'F4', 'F7', 'F8', 'F9', 'F10', 'F12', 'F13', 'F14', 'F15', 'F16', 'F17', 'M1', 'M2', 'M3.', 'M6', 'M7', 'M8', 'M9', 'M10', 'M11', 'M12', 'M14', 'M17')],
  ['nobody may do anything', ({ tokens }) => ({ tokens: { ...tokens, agent: tokens.guest, many: tokens.guest } }), ids('F5', 'F6', 'F7', 'F11', 'F15', 'F16', 'M1', 'M3.', 'M8', 'M9', 'M11', 'M13')],
  ['errors have a code of nobody\'s', () => answer((body) => (body.error ? { ...body, error: { ...body.error, code: -32_401 } } : body)), ids('F1', 'F10', 'M12', 'M15')],
  ['errors have another id', () => answer((body) => (body.id === undefined ? body : { ...body, id: 'another' })), ids('M14')],
  ['every answer is an error', () => answer(({ id }) => ({ jsonrpc: '2.0', id, ...(id === 'hello' ? { result: {} } : { error: { code: -32_001, message: 'no' } }) })), ids('M4', 'M18')],
  ['notifications are refused', () => ({ tamper: (given) => (given.status === 202 ? { ...given, status: 403 } : given) }), ids('M5')],
  ['mappings are taken out of the list', () => answer((body) => (body.result?.tools ? { ...body, result: { tools: body.result.tools.map(({ inputSchema: _schema, ...tool }) => tool) } } : body)), ids('M18')],
];

const upstream = await new Upstream().listen();
const target = await createTarget({ upstream });
let missed = 0;
try {
  for (const [name, change, fails] of breaks) {
    const rows = await runChecks(checks, new World({ ...target, ...change(target, upstream) }, upstream), { only: fails });
    const not = rows.filter(({ verdict }) => verdict !== 'fail').map(({ id }) => id);
    missed += not.length;
    console.log(`${name}: ${rows.length - not.length} of ${fails.length} notice${not.length > 0 ? `; not ${not.join(', ')}` : ''}`);
  }
  const unnamed = checks.filter(({ id }) => !breaks.some(([, , fails]) => fails.includes(id)));
  // A check that has nothing to look at yet cannot fail yet.
  const never = (await runChecks(unnamed, new World(target, upstream))).filter(({ verdict }) => verdict !== 'open').map(({ id }) => id);
  if (never.length > 0) console.log(`never seen to fail: ${never.join(', ')}`);
  missed += never.length;
} finally {
  await target.stop();
  upstream.close();
}
process.exitCode = missed === 0 ? 0 : 1;
