import { readFileSync } from 'node:fs';
import { folder, jsonText, type LogSource, run, verdictText, verifyLog } from '@flyball/verify';
import { FlyballError } from '@flyball/protocol';
import type { Desk } from '../api/desk.js';
import { activeKeysIn } from '../ledger/index.js';
import { pagesOfBodies } from './bodies.js';

export interface OwnOptions {
  readonly since?: readonly string[];
  readonly receipts?: readonly string[];
  readonly promises?: readonly string[];
  /** Folder of `flyball log archive`, for entries that are no longer in the store. */
  readonly archive?: string;
  readonly json?: boolean;
}

const out = { write: (text: string) => void process.stdout.write(text), progress: (text: string) => void process.stderr.write(`${text}\n`), now: () => Date.now() };

/** `flyball verify receipt …` and `flyball verify log …`: what the auditor's own command does. */
export const verifyOthers = (argv: readonly string[]): Promise<number> => run(argv, out);

/** This installation's own log, by its own keys, bodies included. What others can say needs others' keys and receipts. */
export async function verifyOwn(desk: Desk, options: OwnOptions): Promise<number> {
  const { keys } = await desk.log();
  const given = (files: readonly string[] = []) => files.map((name) => ({ name, content: new Uint8Array(readFileSync(name)) }));
  const verdict = await verifyLog({
    source: ownSource(desk, options.archive),
    trust: { keys: activeKeysIn(keys) },
    earlier: given(options.since),
    receipts: given(options.receipts),
    promises: given(options.promises),
    bodies: bodiesOf(desk),
    progress: ({ done, total }) => out.progress(`${done} of ${total} entries`),
  });
  out.write(options.json ? jsonText(verdict) : verdictText(verdict));
  return verdict.integrity.holds && verdict.completeness.holds ? 0 : 1;
}

/** The running server's log, or the store's; what was archived comes from the archive. */
function ownSource(desk: Desk, archive: string | undefined): LogSource {
  const archived = archive === undefined ? undefined : folder(archive);
  return {
    name: 'this installation',
    read: async (path, bytesMax) => {
      try {
        return await desk.logFile(path);
      } catch (error) {
        if (!archived || !(error instanceof FlyballError && error.code === 'not_found')) throw error;
        return archived.read(path, bytesMax);
      }
    },
  };
}

async function* bodiesOf(desk: Desk) {
  for await (const page of pagesOfBodies((after, most) => desk.bodies(after, most))) yield* page;
}
