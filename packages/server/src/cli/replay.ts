import { FlyballError } from '@flyball/protocol';
import type { Config } from '../config.js';
import { loadBundle, type Progress, replayCandidate, verifyRecord } from '../policy/index.js';
import { openEmbedded, openPostgres, type OpenStore } from '../store/open.js';
import { recordSource, replayRules } from './replay-source.js';
import { formatCandidate, formatVerification } from './replay-text.js';

export interface ReplayOptions {
  readonly verify?: boolean;
  /** Folder of a candidate bundle. */
  readonly policy?: string;
  readonly json?: boolean;
  readonly most?: string;
}

/**
 * Makes recorded decisions again, by the bundles that made them or by a candidate. Returns the exit code: 0 when
 * nothing differs or flips, 1 when something does. Throws `usage` for what cannot be asked.
 */
export async function replay(config: Config, { verify, policy, json, most: mostText = '20' }: ReplayOptions, out: (text: string) => void): Promise<0 | 1> {
  const most = Number(mostText);
  if ((verify === true) === (policy !== undefined)) throw new FlyballError('usage', 'expected one of `--verify` and `--policy <directory>`');
  if (!Number.isSafeInteger(most) || most < 0) throw new FlyballError('usage', 'expected `--most` to be a whole number');
  // What is wrong with the candidate is said before the record is read.
  const candidate = policy === undefined ? undefined : loadBundle(policy);
  const store = await open(config);
  const beganMs = Date.now();
  const lines = progressLines((line) => void process.stderr.write(`${line}\n`));
  try {
    const options = { source: recordSource(store.entries, store.log), rules: replayRules, most, progress: lines };
    if (candidate) {
      const report = await replayCandidate(candidate, options);
      out(json ? JSON.stringify(report, null, 2) : formatCandidate(report, Date.now() - beganMs));
      return report.flips.count + report.unreadable.count === 0 ? 0 : 1;
    }
    const report = await verifyRecord(options);
    out(json ? JSON.stringify(report, null, 2) : formatVerification(report, Date.now() - beganMs));
    // What cannot be made again for want of its bundle or of its session's beginning is a hole in the record.
    return report.different.count + report.left.strays.count + Object.keys(report.left.bundles).length === 0 ? 0 : 1;
  } finally {
    await store.close();
  }
}

async function open({ databaseUrl, data, tenant }: Config): Promise<OpenStore> {
  if (databaseUrl !== undefined) return openPostgres(databaseUrl, tenant);
  try {
    return await openEmbedded(data, tenant);
  } catch (cause) {
    if (!(cause instanceof FlyballError && cause.code === 'store_locked')) throw cause;
    throw new FlyballError('store_locked', `a server runs on the record in \`${data}\`, and the embedded store has one user at a time: stop it while the record is replayed, or replay a copy of the folder (FLYBALL_DATA_DIR); a record in PostgreSQL is read beside a running server`, { cause });
  }
}

const everyMs = 1_500;

/** A line now and then; long work is told before it begins. */
function progressLines(write: (line: string) => void): (progress: Progress) => void {
  let toldMs = Date.now();
  return ({ entries, decisions, doing }) => {
    const now = Date.now();
    if (doing === undefined && now - toldMs < everyMs) return;
    toldMs = now;
    write(doing ?? `${entries} entries read, ${decisions} decisions`);
  };
}
