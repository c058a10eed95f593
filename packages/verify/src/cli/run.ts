import { folder } from '../source/folder.js';
import { http } from '../source/http.js';
import type { Trust } from '../trust.js';
import { VerifyError } from '../verify-error.js';
import { verifyLog } from '../verify-log.js';
import { verifyReceipt } from '../verify-receipt.js';
import { readBodies, readGivenFile, readGivenFiles } from './files.js';
import { type Options, readOptions } from './options.js';
import { jsonText, receiptText, verdictText } from './report.js';
import { plain } from './table.js';
import { usageText } from './usage.js';

/** Where the command writes, and what time it is. */
export interface Output {
  write(text: string): void;
  /** For people who wait; nothing that belongs to the answer. */
  progress?(text: string): void;
  /** Milliseconds since 1970; by it a log behind an address is judged. */
  now?(): number;
}

/** The command: 0 when everything holds, 1 when something does not, 2 when it cannot be understood. */
export async function run(argv: readonly string[], out: Output): Promise<number> {
  try {
    const options = readOptions(argv);
    const [command, ...rest] = options.positionals;
    if (options.help) {
      out.write(usageText);
      return 0;
    }
    if (command === 'receipt') return await runReceipts(rest, options, out);
    if (command === 'log') return await runLog(rest, options, out);
    throw new VerifyError('usage', command === undefined ? 'expected `receipt` or `log`' : `expected \`receipt\` or \`log\`, got \`${command}\``);
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    out.write(`${plain(error.message)}\n\n${usageText}`);
    return 2;
  }
}

async function runReceipts(files: readonly string[], options: Options, out: Output): Promise<number> {
  if (files.length === 0) throw new VerifyError('usage', 'expected a receipt to verify: `receipt FILE...`');
  const trust = await trustOf(options);
  const verdicts = (await readGivenFiles(files)).map(({ name, content }) => ({ name, verdict: verifyReceipt(content, trust) }));
  if (options.json) out.write(jsonText(verdicts.map(({ name, verdict }) => ({ file: name, ...verdict }))));
  else out.write(verdicts.map(({ name, verdict }) => receiptText(name, verdict)).join('\n'));
  return verdicts.every(({ verdict }) => verdict.holds) ? 0 : 1;
}

async function runLog([where, ...more]: readonly string[], options: Options, out: Output): Promise<number> {
  if (where === undefined || more.length > 0) throw new VerifyError('usage', 'expected one log to verify: `log FOLDER` or `log https://…`');
  const isAlive = /^https?:\/\//.test(where);
  if (options.token !== undefined && !isAlive) throw new VerifyError('usage', 'expected an address to send the token to');
  const verdict = await verifyLog({
    source: isAlive ? http(where, { token: options.token }) : folder(where),
    trust: await trustOf(options),
    earlier: await readGivenFiles(options.since),
    receipts: await readGivenFiles(options.receipts),
    promises: await readGivenFiles(options.promises),
    ...(options.bodies !== undefined && { bodies: readBodies(options.bodies) }),
    // A folder is a copy of some day: of it nobody can say what should be there by now.
    ...(isAlive && out.now && { now: out.now() }),
    progress: ({ done, total }) => out.progress?.(`${done} of ${total} entries`),
  });
  out.write(options.json ? jsonText(verdict) : verdictText(verdict));
  return verdict.integrity.holds && verdict.completeness.holds ? 0 : 1;
}

async function trustOf({ keys, witnesses, quorum, policy }: Options): Promise<Trust> {
  if (policy !== undefined) {
    if (keys.length + witnesses.length > 0 || quorum !== undefined) throw new VerifyError('usage', 'expected either --policy or --key, --witness and --quorum');
    return { policy: (await readGivenFile(policy)).content };
  }
  if (keys.length === 0) throw new VerifyError('usage', 'expected the key of the log: `--key VKEY`, as whoever runs it has published it (flyball log status)');
  return { keys, witnesses, ...(quorum !== undefined && { quorum }) };
}
