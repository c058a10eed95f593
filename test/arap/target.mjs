// From what somebody wrote about a product to a target that checks can use. README.md says what is in a description.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { command, operationMs } from '../aarm/command.mjs';

const own = new URL('./flyball/target.mjs', import.meta.url).href;

/** Opens the target of a description file; without one, our own. */
export async function openTarget({ file, url, token, wrong } = {}) {
  if (file?.endsWith('.json')) return fromJson(JSON.parse(readFileSync(file, 'utf8')), dirname(resolve(file)), { url, token });
  const { createTarget } = await import(file ? pathToFileURL(resolve(file)).href : own);
  return createTarget({ url, token, wrong });
}

function fromJson(description, folder, { url, token }) {
  const tokens = Object.fromEntries(Object.entries(description.tokens ?? {}).map(([who, value]) => [who, typeof value === 'string' ? value : process.env[value.from_env]]));
  const operations = Object.fromEntries(Object.entries(description.operations ?? {}).map(([name, how]) => [name, (given) => (Array.isArray(how) ? command(how, given, folder) : call(how, given))]));
  return { name: file(description), cases: {}, ...description, ...(url && { url }), ...operations, tokens: { ...tokens, ...(token && { pep: token }) } };
}

const file = ({ name, url }) => name ?? url;

/** An operation as an HTTP call: `{task.id}` and the like are filled in wherever they stand. */
async function call({ method = 'POST', url, headers = {}, body }, given) {
  const fill = (text) => text.replaceAll(/\{([\w.]+)\}/g, (_whole, path) => String(path.split('.').reduce((value, name) => value?.[name], given) ?? ''));
  const response = await fetch(fill(url), { method, headers: { 'content-type': 'application/json', ...headers }, ...(body !== undefined && { body: fill(JSON.stringify(body)) }), signal: AbortSignal.timeout(operationMs) });
  if (!response.ok) throw new Error(`${method} ${url} was answered with ${response.status}`);
  return response.json().catch(() => undefined);
}
