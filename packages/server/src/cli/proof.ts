import { closeSync, fsyncSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FlyballError } from '@flyball/protocol';
import type { Desk } from '../api/desk.js';
import type { Config, Environment } from '../config.js';
import { archive, type ArchiveStore, exportLog } from '../ledger/index.js';
import { FolderFiles } from '../store/folder-files.js';
import { S3Files, s3Settings } from '../store/s3-files.js';
import { openGovernor } from '../wiring.js';
import { pagesOfBodies } from './bodies.js';

type Out = (line: string) => void;

/** Prints one receipt, or writes all that belong to an attempt into a folder. */
export async function receipt(desk: Desk, id: string, options: { readonly thread?: string; readonly body?: boolean }, out: Out): Promise<void> {
  if (options.thread === undefined) {
    out((await desk.receipt(id, options.body === true)).trimEnd());
    return;
  }
  const { receipts, pending } = await desk.receipts(id, options.body === true);
  mkdirSync(options.thread, { recursive: true });
  for (const [index, text] of receipts.entries()) {
    const file = join(options.thread, `${index + 1}.tlog-proof`);
    writeFileSync(file, text, { flag: 'wx' });
    out(`wrote ${file}`);
  }
  pending.forEach((waiting) => out(`${waiting} is not in the log yet`));
}

/** Writes the log as static files that any C2SP tool reads, into a folder or a bucket. */
export async function exportFiles(desk: Desk, target: string, environment: Environment, out: Out): Promise<void> {
  const files = target.startsWith('s3://') ? new S3Files(s3Settings(target, environment)) : new FolderFiles(target);
  const { size, written, present } = await exportLog((path) => desk.logFile(path), files, progressOf(out));
  out(`${String(size)} entries in ${target}: ${written} files written, ${present} were there already`);
}

/** Moves what is old into a folder. The store is opened for it, so an embedded one must not be running. */
export async function archiveBefore(config: Config, date: string, folder: string, out: Out): Promise<void> {
  const beforeMs = Date.parse(date);
  if (Number.isNaN(beforeMs)) throw new FlyballError('usage', 'expected --before as a date such as 2026-01-31');
  const governor = await openGovernor(config, () => undefined, true);
  try {
    await governor.transparency.look();
    const { below, removed } = await archive(governor.ledger, governor.archive, beforeMs, governor.transparency.size, async (until) => {
      await exportFiles(governor.desk, folder, {}, out);
      await writeBodies(governor.archive, until, join(folder, 'bodies.jsonl'));
    });
    out(`archived below ${String(below)}: ${removed} entries taken out of the store; keep ${folder}, it has them`);
  } finally {
    await governor.close();
  }
}

/** Adds bodies to a file, durably; those that an earlier archive has are no longer in the store. */
async function writeBodies(store: ArchiveStore, below: bigint, file: string): Promise<void> {
  const fd = openSync(file, 'a', 0o600);
  try {
    for await (const page of pagesOfBodies((after, most) => store.bodiesBelow(below, after, most))) writeFileSync(fd, page.map((body) => `${JSON.stringify(body)}\n`).join(''));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

const everyMs = 1_000;

function progressOf(out: Out): (done: number, all: number) => void {
  let toldAt = Date.now();
  return (done, all) => {
    if (Date.now() - toldAt < everyMs) return;
    toldAt = Date.now();
    out(`${done} of ${all} files`);
  };
}
