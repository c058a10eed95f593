// What the commands that look at another product have in common: wrong options and a server that cannot be reached end
// in a line that says what to do, with exit code 2; 1 is for a product that fails.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** The command cannot begin; its message is all that is said. */
export class Refused extends Error {}

/** Runs a command to its end; what it returns is the exit code. */
export async function runCommand(usage, options, main) {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { ...options, help: { type: 'boolean', default: false } } });
    if (values.help) console.log(usage);
    else process.exitCode = await main(values, positionals);
  } catch (error) {
    const said = error.code?.startsWith('ERR_PARSE_ARGS') ? `${error.message}\n\n${usage}` : error instanceof Refused ? error.message : undefined;
    if (said === undefined) throw error;
    console.error(said);
    process.exitCode = 2;
  }
}

export function read(file, what) {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Refused(`cannot read ${what} \`${file}\` (${error.code})`);
  }
}

/** The URL of a product, as it was given. */
export function urlOf(text) {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) throw new Refused(`expected a URL with http or https, got \`${text}\``);
  return text;
}

/** Node takes further authorities for `fetch` when it starts, so the command starts itself once more. Returns its exit code, or nothing where it runs with them already. */
export function againWithCa(file) {
  if (file === undefined || process.env.NODE_EXTRA_CA_CERTS === resolve(file)) return undefined;
  read(file, 'the certificate of --ca,');
  const { status } = spawnSync(process.execPath, process.argv.slice(1), { stdio: 'inherit', env: { ...process.env, NODE_EXTRA_CA_CERTS: resolve(file) } });
  return status ?? 1;
}

/** What asks a product for the first time: that nobody is there, or nobody who is trusted, is said in one line. */
export async function reach(url, ask) {
  try {
    return await ask();
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error;
    throw new Refused(`cannot ask ${url}: ${reasons.find(([pattern]) => pattern.test(code))?.[1] ?? 'no answer'} (${code})`);
  }
}

const reasons = [
  [/SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)/, 'its certificate is signed by nobody who is known here; --ca FILE names the certificate (PEM) to trust'],
  [/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/, 'its certificate is not valid at this time'],
  [/ALTNAME/, 'its certificate is for another name'],
  [/^EPROTO|ERR_SSL/, 'it does not speak TLS; is its URL one with http?'],
  [/ECONNREFUSED/, 'nobody listens there'],
  [/ENOTFOUND|EAI_AGAIN/, 'its name is not known'],
  [/./, 'no answer'],
];

/** The code of a failed connection, wherever it lies; `fetch` and several addresses of a name wrap it. */
function codeOf(error, depth = 4) {
  if (!error || depth === 0) return undefined;
  if (typeof error.code === 'string' && error.code !== 'ERR_INVALID_URL') return error.code;
  if (error.name === 'TimeoutError') return 'ETIMEDOUT';
  return codeOf(error.cause, depth - 1) ?? codeOf(error.errors?.[0], depth - 1);
}
