// From what somebody wrote about a gateway to a target that checks can use. README.md says what is in a description.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { command } from './command.mjs';

const ours = new URL('./flyball/target.mjs', import.meta.url).href;
const operations = ['caller', 'forRequest', 'badCallers', 'revoke', 'record', 'order', 'view', 'approve', 'refuse', 'stateOf', 'makeUnavailable', 'makeAvailable', 'resolveDeferral', 'alerts', 'events', 'writeWith'];
const receiptOperations = ['of', 'publicKeys', 'otherKey', 'verify', 'tampered', 'signedTexts', 'positions', 'links'];

/** Opens a target, with the upstream listening where the gateway expects it. Without a file: our own. */
export async function openTarget({ file, url, upstream, change }) {
  if (file?.endsWith('.json')) {
    const description = JSON.parse(readFileSync(file, 'utf8'));
    await upstream.listen(description.upstream.port);
    return fromJson({ ...description, ...(url && { url }) }, dirname(resolve(file)));
  }
  const { createTarget, upstreamPort } = await import(file ? pathToFileURL(resolve(file)).href : ours);
  await upstream.listen(upstreamPort?.(url));
  return createTarget({ upstream, url, change });
}

/** Every operation is a command: it gets its arguments as a JSON array on standard input and prints its answer as JSON. */
function fromJson(description, folder) {
  const { commands, answer } = description;
  const of = (names, prefix = '') => Object.fromEntries(names.filter((name) => commands[prefix + name]).map((name) => [name, (...args) => command(commands[prefix + name], args, folder)]));
  const receipts = of(receiptOperations, 'receipts.');
  return { ...description, ...of(operations), ...(Object.keys(receipts).length > 0 && { receipts }), answer: (result, error) => readAnswer(answer, result, error) };
}

/** Where in a tool result the decision stands: JSON pointers (RFC 6901), and what its words mean. */
function readAnswer({ decision, handle, until, evaluation, words }, result, error) {
  const said = (pointer) => (pointer === undefined || error ? undefined : at(result, pointer));
  const text = error ? String(error.message) : (result?.content ?? []).map((part) => part.text ?? '').join('\n');
  return { passed: !error && said(decision) === undefined, decision: words[said(decision)], handle: said(handle), evaluation: said(evaluation), text, ...(said(until) && { until: Date.parse(said(until)) }) };
}

const at = (value, pointer) => pointer.split('/').slice(1).reduce((inner, name) => inner?.[name.replaceAll('~1', '/').replaceAll('~0', '~')], value);
