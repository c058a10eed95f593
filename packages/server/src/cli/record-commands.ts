import type { Command } from 'commander';
import { environment, out, type Shell } from './shell.js';
import type { OwnOptions } from './verify.js';

/** The record, and its proof. */
export function addRecordCommands(shell: Shell): void {
  const { flyball } = shell;
  flyball
    .command('receipt')
    .argument('<id>')
    .option('--body', 'with what can be erased: arguments, reasons')
    .option('--thread <folder>', 'write the receipts of everything that belongs to the attempt')
    .description('an entry as a file that anybody can verify offline')
    .action(async (id: string, options: { body?: boolean; thread?: string }, command: Command) => shell.desk(command, async (desk) => (await import('./proof.js')).receipt(desk, id, options, out)));
  addVerify(shell);
  addReplay(shell);
  addErase(shell);
  addLog(shell);
  const db = flyball.command('db').description('move the record');
  db.command('export').argument('<file>').description('write every entry to a file').action(async (file: string, _options, command: Command) => (await import('./db.js')).exportTo(shell.config(command), file, out));
  db.command('import').argument('<file>').description('read entries into an empty store').action(async (file: string, _options, command: Command) => (await import('./db.js')).importFrom(shell.config(command), file, out));
}

function addVerify(shell: Shell): void {
  const verify = shell.flyball
    .command('verify')
    .description('is the log the one that was signed, and is anything missing? Without more: this installation\'s own')
    .option('--since <checkpoint...>', 'earlier checkpoints')
    .option('--receipts <file...>', 'receipts that have to be in it')
    .option('--promises <file...>', 'promises that have to be kept')
    .option('--archive <folder>', 'where old entries were moved')
    .option('--json')
    .action(async (options: OwnOptions, command: Command) => {
      process.exitCode = await shell.desk(command, async (desk) => (await import('./verify.js')).verifyOwn(desk, options));
    });
  verify.addHelpText('after', '\nOf another installation, without its configuration:\n  flyball verify receipt FILE... --key VKEY\n  flyball verify log FOLDER|URL --key VKEY\n  (`flyball verify receipt --help` lists what there is)');
}

function addReplay(shell: Shell): void {
  shell.flyball
    .command('replay')
    .description('make recorded decisions again: by the bundles that decided, or by a candidate')
    .option('--verify', 'each must come out as it was recorded')
    .option('--policy <directory>', 'a candidate bundle: what would flip, and because of what')
    .option('--json')
    .option('--most <n>', 'how many of each list', '20')
    .action(async (options: { verify?: boolean; policy?: string; most: string }, command: Command) => {
      process.exitCode = await (await import('./replay.js')).replay(shell.config(command), { ...options, json: shell.common(command).json === true }, out);
    });
}

interface EraseOptions {
  readonly person?: string;
  readonly session?: string;
  readonly entry?: string[];
  readonly containing?: string;
  readonly as?: string;
}

function addErase(shell: Shell): void {
  shell.flyball
    .command('erase')
    .description('erase what is kept beside the log; every proof stays')
    .option('--person <name>', 'a person\'s name, and the bodies of all that was done for or by them')
    .option('--session <id>', 'the bodies of a session')
    .option('--entry <id...>', 'the bodies of single entries')
    .option('--containing <text>', 'every body with this text in it')
    .option('--as <person>', 'who erases')
    .action(async ({ person, session, entry, containing, as }: EraseOptions, command: Command) => out(JSON.stringify(await shell.desk(command, (desk) => desk.erase({ person, session, entries: entry, containing }, as ?? 'operator')))));
}

function addLog(shell: Shell): void {
  const log = shell.flyball.command('log').description('the log of the record');
  log.command('status').option('--json').description('its name, keys and newest checkpoint').action(async (_options, command: Command) => {
    const status = await shell.desk(command, (desk) => desk.log());
    out(shell.common(command).json ? JSON.stringify(status, null, 2) : [`origin ${status.origin}`, `entries ${status.size}`, ...Object.entries(status.keys).map(([key, state]) => `key ${key} ${state}`), '', status.checkpoint.trimEnd()].join('\n'));
  });
  log.command('retire').argument('<key>').description('stop signing with a key; what it has signed stays valid').action(async (key: string, _options, command: Command) => out(JSON.stringify(await shell.desk(command, (desk) => desk.retireKey(key)))));
  log.command('export').argument('<target>', 'a folder, or s3://BUCKET/PREFIX').description('write the log as static files (C2SP tiles)').action(async (target: string, _options, command: Command) => shell.desk(command, async (desk) => (await import('./proof.js')).exportFiles(desk, target, environment, out)));
  log.command('archive').argument('<folder>').requiredOption('--before <date>', 'what is older goes').description('move old entries into a folder; proofs stay').action(async (folder: string, { before }: { before: string }, command: Command) => (await import('./proof.js')).archiveBefore(shell.config(command), before, folder, out));
}
